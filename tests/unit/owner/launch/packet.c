/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet.c - packets and measurements: the vectors of others, and what must not open.
 */
#include "owner/launch/packet.h"

#include "bytes.h"
#include "conf/reference.h"
#include "owner/table/table.h"

static struct packet packet;

static struct digest digest_hex(const char *text)
{
	struct digest d;

	BYTES_MUST(bytes_from_hex(text, d.octets, DIGEST_SIZE) == DIGEST_SIZE);
	return d;
}

/* A plaintext of 80 bytes under keys, IV and measurement that count upwards. */
static void test_counting_vector(void)
{
	_cleanup_secret_ struct secret table = bytes_secret_hex(
		"42f5741edd71664d963eef4287ff173b48000000e5696873f084734992ec06879ce3da0b1b000000"
		"68756e7465723262a1f5e67fd65047a67c5d065f2a99101900000001020004050000000000000000");
	_cleanup_secret_ struct secret tek = bytes_secret_hex("000102030405060708090a0b0c0d0e0f");
	_cleanup_secret_ struct secret tik = bytes_secret_hex("101112131415161718191a1b1c1d1e1f");
	_cleanup_secret_ struct secret opened = bytes_secret("", 0);
	const struct digest measurement =
		digest_hex("404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f");
	unsigned char iv[PACKET_IV_SIZE];

	(void)bytes_from_hex("202122232425262728292a2b2c2d2e2f", iv, sizeof(iv));
	is_int(packet_seal(&table, &tik, &tek, &measurement, iv, &packet), 0, "vector: sealed");
	is_int(packet.len, 80, "vector: as long as the table");
	is_str(bytes_hex(packet.payload, packet.len),
	       "191d0a3086351ad9dd1f26edf0a9d7e303a41c22c7e750dbf2e74db1e273ce70e86c001e3f53661"
	       "02f785da5938d60998ea1b6650f8a7dea17ef4a548c91d9708e8cd20784b1553970c0e693958a65c1",
	       "vector: the ciphertext");
	is_str(bytes_hex(packet.header, PACKET_HEADER_SIZE),
	       "00000000202122232425262728292a2b2c2d2e2f"
	       "8ad295701582591af5c85b1959abc8caaefefbbb0d1cbbc3476aa52200195500",
	       "vector: flags, IV, HMAC");
	is_int(packet_open(&packet, &tik, &tek, &measurement, &opened), 0, "vector: opened");
	is_str(bytes_hex(opened.bytes, opened.len), bytes_hex(table.bytes, table.len),
	       "vector: the table is back");
}

/* virtee/sevctl, tests/secretbuild.rs and its data: another implementation's packets. */
static void test_sevctl_vectors(void)
{
	_cleanup_secret_ struct secret tek = bytes_secret_hex("52a869b79ab9c13bb6a92b0561619cb3");
	_cleanup_secret_ struct secret tik = bytes_secret_hex("c6d5a9956133050912b24bbe5c372686");
	_cleanup_secret_ struct secret first = bytes_secret("MY-LUKS-PASSPHRASE", 18);
	_cleanup_secret_ struct secret second = bytes_secret("SOME OTHER SECRET", 17);
	_cleanup_secret_ struct secret table = bytes_secret("", 0);
	const struct digest measurement =
		digest_hex("4cb780efad3b959427b4b8d1635fe2fac6ed75267eef9cf1a73e0fc7d873a412");
	struct fault f = { 0 };
	unsigned char iv[PACKET_IV_SIZE];

	(void)bytes_from_hex("ac5474ed4dd32c7d989ec523d92559ec", iv, sizeof(iv));
	table_start(&table);
	is_int(table_add(&table, GUID_DISK_SECRET, &first, false, "T", &f), 0, "sevctl: an entry");
	table_pad(&table);
	is_int(packet_seal(&table, &tik, &tek, &measurement, iv, &packet), 0, "sevctl: sealed");
	is_str(bytes_hex(packet.header, PACKET_HEADER_SIZE),
	       "00000000ac5474ed4dd32c7d989ec523d92559ecbc152cde610e17f0aef557334a2d4fca42c22c43"
	       "12e3b5b85a3d47b0aac857e5",
	       "sevctl: the header of one secret");
	is_str(bytes_hex(packet.payload, packet.len),
	       "d14ddee4f717bf4516f87e2d48114a39d0987ca135fa3dfc05cd9fb8ed7a9988b223eb16c7b20d7e"
	       "7fa58188f9e862f5db2ca29c36be9557c20b00ffdb0e5c3c",
	       "sevctl: its payload");
	is_int(table_add(&table, "736869e5-aaaa-4973-92ec-06879ce3da0b", &second, false, "T", &f),
	       0, "sevctl: another entry");
	table_pad(&table);
	is_int(packet_seal(&table, &tik, &tek, &measurement, iv, &packet), 0, "sevctl: sealed");
	is_str(bytes_hex(packet.header, PACKET_HEADER_SIZE),
	       "00000000ac5474ed4dd32c7d989ec523d92559ec99debd1d38428750e84846acc6618bd326074cb4"
	       "13cbd672ba183f5a1844fb36",
	       "sevctl: the header of two secrets");
	is_str(bytes_hex(packet.payload, packet.len),
	       "d14ddee4f717bf4516f87e2d48114a39b5987ca135fa3dfc05cd9fb8ed7a9988b223eb16c7b20d7e"
	       "7fa58188f9e862f5db2ca29c36be9557c20be596b37df69692cd517d5923760aeef620b72b385feb"
	       "86c4422590843dd2ff3fc3c64599031e",
	       "sevctl: its payload");
}

/* virtee/sevctl, tests/measurementbuild.rs. */
static void test_measurement(void)
{
	_cleanup_secret_ struct secret tik = bytes_secret_hex("3569cf61a32a602b87185ac6e0f55913");
	const struct digest digest =
		digest_hex("c64bd101fc9a4a2ce0a27c408d9200911f139a895469b04a40a6fa2890830d23");
	struct launch_platform platform = {
		.api_major = 1, .api_minor = 40, .build = 40, .policy = 3
	};
	unsigned char blob[LAUNCH_BLOB_SIZE];
	struct digest measurement, other = digest;

	(void)bytes_from_hex("96cc1bc56c48f60724c9ad7a250bdd16da5898d3b86fede29c03e9aac828048e"
			     "c313fab511c216b1505b1b2ea9903c40",
			     blob, sizeof(blob));
	is_int(launch_measurement(&tik, &platform, &digest, blob + DIGEST_SIZE, &measurement), 0,
	       "measurement: computed");
	is_str(bytes_hex(measurement.octets, DIGEST_SIZE),
	       "96cc1bc56c48f60724c9ad7a250bdd16da5898d3b86fede29c03e9aac828048e",
	       "measurement: as sevctl's");
	is_int(launch_check(&tik, &platform, &digest, blob), 0, "check: it is the expected one");
	platform.api_major++;
	is_int(launch_check(&tik, &platform, &digest, blob), -EPERM, "check: another API major");
	platform.api_major--;
	platform.api_minor++;
	is_int(launch_check(&tik, &platform, &digest, blob), -EPERM, "check: another API minor");
	platform.api_minor--;
	platform.build++;
	is_int(launch_check(&tik, &platform, &digest, blob), -EPERM, "check: another build");
	platform.build--;
	platform.policy ^= 0x80000000;
	is_int(launch_check(&tik, &platform, &digest, blob), -EPERM, "check: another policy");
	platform.policy ^= 0x80000000;
	other.octets[31] ^= 1;
	is_int(launch_check(&tik, &platform, &other, blob), -EPERM, "check: another digest");
	blob[31] ^= 1;
	is_int(launch_check(&tik, &platform, &digest, blob), -EPERM, "check: another measurement");
	blob[31] ^= 1;
	blob[47] ^= 1;
	is_int(launch_check(&tik, &platform, &digest, blob), -EPERM, "check: another nonce");
	blob[47] ^= 1;
	tik.bytes[15] ^= 1;
	is_int(launch_check(&tik, &platform, &digest, blob), -EPERM, "check: another TIK");
	tik.bytes[15] ^= 1;
	is_int(launch_check(&tik, &platform, &digest, blob), 0, "check: and again the right one");
}

/* Each bit that is changed, except of the payload's meaning to nobody, must be noticed. */
static void test_authentication(void)
{
	_cleanup_secret_ struct secret table = bytes_secret_hex("00"), opened = bytes_secret("", 0);
	_cleanup_secret_ struct secret tek = bytes_secret("0123456789abcdef", 16);
	_cleanup_secret_ struct secret tik = bytes_secret("fedcba9876543210", 16);
	struct digest measurement = { .octets = "measured" };
	const unsigned char iv[PACKET_IV_SIZE] = { [0 ... PACKET_IV_SIZE - 2] = 0xff, 0xfe };
	unsigned int noticed = 0;
	size_t i;

	table.len = 16;
	is_int(packet_seal(&table, &tik, &tek, &measurement, iv, &packet), 0, "sealed");
	for (i = 0; i < PACKET_HEADER_SIZE; i++) {
		packet.header[i] ^= 0x10;
		noticed += packet_open(&packet, &tik, &tek, &measurement, &opened) == -EBADMSG;
		packet.header[i] ^= 0x10;
	}
	is_int(noticed, PACKET_HEADER_SIZE, "each byte of the header counts");
	for (i = 0, noticed = 0; i < packet.len; i++) {
		packet.payload[i] ^= 0x10;
		noticed += packet_open(&packet, &tik, &tek, &measurement, &opened) == -EBADMSG;
		packet.payload[i] ^= 0x10;
	}
	is_int(noticed, packet.len, "each byte of the payload counts");
	is_int(opened.len, 0, "and nothing came out");
	measurement.octets[31] ^= 1;
	is_int(packet_open(&packet, &tik, &tek, &measurement, &opened), -EBADMSG,
	       "for another guest it does not open");
	measurement.octets[31] ^= 1;
	is_int(packet_open(&packet, &tek, &tik, &measurement, &opened), -EBADMSG,
	       "nor with swapped keys");
	packet.len = 32;
	is_int(packet_open(&packet, &tik, &tek, &measurement, &opened), -EBADMSG, "nor if longer");
	packet.len = 15;
	is_int(packet_open(&packet, &tik, &tek, &measurement, &opened), -EINVAL, "nor if cut");
	packet.len = 0;
	is_int(packet_open(&packet, &tik, &tek, &measurement, &opened), -EINVAL, "nor if empty");
	packet.len = 16;
	is_int(packet_open(&packet, &tik, &tek, &measurement, &opened), 0, "unchanged it does");

	packet.len = 777;
	table.len = 17;
	ok(packet_seal(&table, &tik, &tek, &measurement, iv, &packet) == -EINVAL &&
		   packet.len == 777,
	   "no packet of a table without padding");
	table.len = 0;
	ok(packet_seal(&table, &tik, &tek, &measurement, iv, &packet) == -EINVAL &&
		   packet.len == 777,
	   "nor of none");
	table.len = 16;
	tek.len = 15;
	ok(packet_seal(&table, &tik, &tek, &measurement, iv, &packet) == -EINVAL &&
		   packet.len == 777,
	   "nor with a TEK of 15 bytes");
}

/* The counter is one number of 128 bits: it must carry from the last byte to the first. */
static void test_counter(void)
{
	_cleanup_secret_ struct secret table = bytes_secret("", 0);
	_cleanup_secret_ struct secret tek = bytes_secret("0123456789abcdef", 16);
	const struct digest measurement = { .octets = "measured" };
	const unsigned char last[PACKET_IV_SIZE] = { [0 ... PACKET_IV_SIZE - 1] = 0xff };
	const unsigned char zero[PACKET_IV_SIZE] = { 0 };
	char block[33];

	table.len = 32;
	is_int(packet_seal(&table, &tek, &tek, &measurement, last, &packet), 0, "IV of all ones");
	(void)snprintf(block, sizeof(block), "%s", bytes_hex(packet.payload + 16, 16));
	is_int(packet_seal(&table, &tek, &tek, &measurement, zero, &packet), 0, "IV of all zeros");
	is_str(block, bytes_hex(packet.payload, 16), "the counter wraps in all its 128 bits");
}

int main(void)
{
	test_counting_vector();
	test_sevctl_vectors();
	test_measurement();
	test_authentication();
	test_counter();
	return tap_done();
}
