/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xts.c - sectors as the standard and dm-crypt want them.
 */
#include "owner/disk/xts.h"

#include "fixture.h"
#include "tap.h"

#define SECTOR 512

/* IEEE Std 1619-2007, annex B: XTS-AES-256, vectors 10 and 14 have the same keys and text, and
 * the data units 0xff and 0xffffffffff. */
static const char standard_key[] =
	"2718281828459045235360287471352662497757247093699959574966967627"
	"3141592653589793238462643383279502884197169399375105820974944592";
static const char vector_10[] =
	"1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b5d31e276f8fe4a8d"
	"66b317f9ac683f44680a86ac35adfc3345befecb4bb188fd5776926c49a3095eb108fd1098baec70"
	"aaa66999a72a82f27d848b21d4a741b0c5cd4d5fff9dac89aeba122961d03a757123e9870f8acf10"
	"00020887891429ca2a3e7a7d7df7b10355165c8b9a6d0a7de8b062c4500dc4cd120c0f7418dae3d0"
	"b5781c34803fa75421c790dfe1de1834f280d7667b327f6c8cd7557e12ac3a0f93ec05c52e0493ef"
	"31a12d3d9260f79a289d6a379bc70c50841473d1a8cc81ec583e9645e07b8d9670655ba5bbcfecc6"
	"dc3966380ad8fecb17b6ba02469a020a84e18e8f84252070c13e9f1f289be54fbc481457778f6160"
	"15e1327a02b140f1505eb309326d68378f8374595c849d84f4c333ec4423885143cb47bd71c5edae"
	"9be69a2ffeceb1bec9de244fbe15992b11b77c040f12bd8f6a975a44a0f90c29a9abc3d4d8939272"
	"84c58754cce294529f8614dcd2aba991925fedc4ae74ffac6e333b93eb4aff0479da9a410e4450e0"
	"dd7ae4c6e2910900575da401fc07059f645e8b7e9bfdef33943054ff84011493c27b3429eaedb4ed"
	"5376441a77ed43851ad77f16f541dfd269d50d6a5f14fb0aab1cbb4c1550be97f7ab4066193c4caa"
	"773dad38014bd2092fa755c824bb5e54c4f36ffda9fcea70b9c6e693e148c151";

static const char vector_14[] =
	"64497e5a831e4a932c09be3e5393376daa599548b816031d224bbf50a818ed2350eae7e96087c8a0"
	"db51ad290bd00c1ac1620857635bf246c176ab463be30b808da548081ac847b158e1264be25bb091"
	"0bbc92647108089415d45fab1b3d2604e8a8eff1ae4020cfa39936b66827b23f371b92200be90251"
	"e6d73c5f86de5fd4a950781933d79a28272b782a2ec313efdfcc0628f43d744c2dc2ff3dcb66999b"
	"50c7ca895b0c64791eeaa5f29499fb1c026f84ce5b5c72ba1083cddb5ce45434631665c333b60b11"
	"593fb253c5179a2c8db813782a004856a1653011e93fb6d876c18366dd8683f53412c0c180f9c848"
	"592d593f8609ca736317d356e13e2bff3a9f59cd9aeb19cd482593d8c46128bb32423b37a9adfb48"
	"2b99453fbe25a41bf6feb4aa0bef5ed24bf73c762978025482c13115e4015aac992e5613a3b5c2f6"
	"85b84795cb6e9b2656d8c88157e52c42f978d8634c43d06fea928f2822e465aa6576e9bf41938450"
	"6cc3ce3c54ac1a6f67dc66f3b30191e698380bc999b05abce19dc0c6dcc2dd001ec535ba18deb2df"
	"1a101023108318c75dc98611a09dc48a0acdec676fabdf222f07e026f059b672b56e5cbc8e1d21bb"
	"d867dd927212054681d70ea737134cdfce93b6f82ae22423274e58a0821cc5502e2d0ab4585e94de"
	"6975be5e0b4efce51cd3e70c25a1fbbbd609d273ad5b0d59631c531f6a0a57b9";

static unsigned char text[SECTOR];

static void from_hex(const char *hex, unsigned char *out)
{
	unsigned int byte;

	for (; *hex; hex += 2, out++) {
		FIXTURE_MUST(sscanf(hex, "%2x", &byte) == 1);
		*out = (unsigned char)byte;
	}
}

static struct xts *standard(void)
{
	_cleanup_secret_ struct secret key = SECRET_NULL;
	struct xts *xts = NULL;

	FIXTURE_MUST(secret_init(&key, &(struct fault){ 0 }) == 0);
	from_hex(standard_key, key.bytes);
	key.len = XTS_KEY_SIZE;
	is_int(xts_new(&key, &xts), 0, "takes the standard's key");
	FIXTURE_MUST(xts);
	return xts;
}

static void test_vector(struct xts *xts, uint64_t number, const char *hex)
{
	unsigned char buf[SECTOR], expected[SECTOR];

	from_hex(hex, expected);
	memcpy(buf, text, SECTOR);
	is_int(xts_encrypt(xts, buf, SECTOR, number * SECTOR, SECTOR), 0, "data unit %llx",
	       (unsigned long long)number);
	ok(memcmp(buf, expected, SECTOR) == 0, "... as in the standard");
	is_int(xts_decrypt(xts, buf, SECTOR, number * SECTOR, SECTOR), 0, "... decrypts");
	ok(memcmp(buf, text, SECTOR) == 0, "... to the text");
}

/* plain64, not plain: the number does not begin again after 2^32 sectors. */
static void test_wide_numbers(struct xts *xts)
{
	unsigned char run[3 * SECTOR], one[SECTOR];
	uint64_t first = 0xffffffff, i;

	for (i = 0; i < 3; i++)
		memcpy(run + i * SECTOR, text, SECTOR);
	is_int(xts_encrypt(xts, run, sizeof(run), first * SECTOR, SECTOR), 0,
	       "a run across 2^32 sectors");
	for (i = 0; i < 3; i++) {
		memcpy(one, text, SECTOR);
		FIXTURE_MUST(xts_encrypt(xts, one, SECTOR, (first + i) * SECTOR, SECTOR) == 0);
		ok(memcmp(run + i * SECTOR, one, SECTOR) == 0,
		   "... sector 2^32%+d is as it is alone", (int)i - 1);
		memcpy(one, text, SECTOR);
		FIXTURE_MUST(xts_encrypt(xts, one, SECTOR, (uint32_t)(first + i) * (uint64_t)SECTOR,
					 SECTOR) == 0);
		is_int(memcmp(run + i * SECTOR, one, SECTOR) == 0, i == 0,
		       "... and not as the one 2^32 before");
	}
	is_int(xts_decrypt(xts, run, sizeof(run), first * SECTOR, SECTOR), 0, "... decrypts");
	for (i = 0; i < 3; i++)
		ok(memcmp(run + i * SECTOR, text, SECTOR) == 0, "... to the text");
}

/* The tweak of a large sector is the number of its first 512 bytes; within it, it goes on. */
static void test_large_sectors(struct xts *xts)
{
	unsigned char large[2 * 4096], small[SECTOR];
	size_t i;

	for (i = 0; i < sizeof(large); i += SECTOR)
		memcpy(large + i, text, SECTOR);
	is_int(xts_encrypt(xts, large, sizeof(large), 4096, 4096), 0, "two sectors of 4096 bytes");
	for (i = 0; i < sizeof(large); i += SECTOR) {
		memcpy(small, text, SECTOR);
		FIXTURE_MUST(xts_encrypt(xts, small, SECTOR, 4096 + i, SECTOR) == 0);
		is_int(memcmp(large + i, small, SECTOR) == 0, i % 4096 == 0,
		       "... byte %zu: as a sector of 512 bytes only where one begins", i);
	}
	is_int(xts_decrypt(xts, large, sizeof(large), 4096, 4096), 0, "... decrypts");
	for (i = 0; i < sizeof(large) && memcmp(large + i, text, SECTOR) == 0; i += SECTOR)
		continue;
	is_int(i, sizeof(large), "... to the text");
}

static void test_bad_keys(void)
{
	_cleanup_secret_ struct secret key = SECRET_NULL;
	struct xts *xts = NULL;

	FIXTURE_MUST(secret_init(&key, &(struct fault){ 0 }) == 0);
	from_hex(standard_key, key.bytes);
	key.len = XTS_KEY_SIZE - 1;
	is_int(xts_new(&key, &xts), -EINVAL, "a short key");
	key.len = XTS_KEY_SIZE + 1;
	is_int(xts_new(&key, &xts), -EINVAL, "a long key");
	key.len = XTS_KEY_SIZE;
	memcpy(key.bytes + XTS_KEY_SIZE / 2, key.bytes, XTS_KEY_SIZE / 2);
	is_int(xts_new(&key, &xts), -EINVAL, "a key with both halves alike");
	ok(!xts, "... nothing is made");
	xts_free(xts);
}

int main(void)
{
	struct xts *xts;
	size_t i;

	for (i = 0; i < SECTOR; i++)
		text[i] = (unsigned char)i;
	xts = standard();
	test_vector(xts, 0xff, vector_10);
	test_vector(xts, 0xffffffffff, vector_14);
	test_wide_numbers(xts);
	test_large_sectors(xts);
	xts_free(xts);
	test_bad_keys();
	return tap_done();
}
