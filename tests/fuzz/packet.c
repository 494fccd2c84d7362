/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet.c - fuzz target: sealed packets, as the secure processor takes them. Either the input is
 * a packet, header first; what opens must be what packet_seal() makes of the same table. Or it is
 * a table, which is sealed; then one change of the packet is refused, and none is not.
 */
#include "owner/launch/packet.h"

#include "fuzz.h"
#include "owner/table/table.h"

#define IS_PACKET 1
#define FLIP 2 /* the two bytes behind the choice say which bit */

static struct secret tik = SECRET_NULL, tek = SECRET_NULL, table = SECRET_NULL, back = SECRET_NULL;
static struct digest measurement;

static void set_keys(void)
{
	unsigned char key[LAUNCH_KEY_SIZE];

	memset(key, 'i', sizeof(key));
	fuzz_secret_set(&tik, key, sizeof(key));
	memset(key, 'e', sizeof(key));
	fuzz_secret_set(&tek, key, sizeof(key));
	memset(measurement.octets, 'm', sizeof(measurement.octets));
	fuzz_secret_init(&back);
	fuzz_secret_open(&back);
}

static void open_packet(const uint8_t *data, size_t size)
{
	static struct packet packet, again;
	size_t len = size < PACKET_HEADER_SIZE ? 0 : size - PACKET_HEADER_SIZE;
	int r;

	if (size < PACKET_HEADER_SIZE || len > SECRET_CAPACITY)
		return;
	memcpy(packet.header, data, PACKET_HEADER_SIZE);
	memcpy(packet.payload, data + PACKET_HEADER_SIZE, len);
	packet.len = len;
	r = packet_open(&packet, &tik, &tek, &measurement, &back);
	FUZZ_MUST(r == 0 || (r == -EBADMSG && back.len == 0) || r == -EINVAL);
	FUZZ_MUST((r == -EINVAL) == (len == 0 || len % 16 != 0));
	if (r < 0)
		return;
	fuzz_accepted++;
	FUZZ_MUST(back.len == len);
	FUZZ_MUST(packet_seal(&back, &tik, &tek, &measurement, packet.header + 4, &again) == 0);
	FUZZ_MUST(again.len == len && memcmp(again.payload, packet.payload, len) == 0);
	/* The flags of the first four bytes are under the HMAC, too. */
	FUZZ_MUST(memcmp(again.header, packet.header, PACKET_HEADER_SIZE) == 0);
}

static void flip(struct packet *packet, unsigned int bit)
{
	size_t at = bit / 8 % (PACKET_HEADER_SIZE + packet->len);

	if (at < PACKET_HEADER_SIZE)
		packet->header[at] ^= (unsigned char)(1 << bit % 8);
	else
		packet->payload[at - PACKET_HEADER_SIZE] ^= (unsigned char)(1 << bit % 8);
}

static void seal_table(unsigned int choice, const uint8_t *data, size_t size)
{
	static const unsigned char iv[PACKET_IV_SIZE] = "sixteen bytes..";
	static struct packet packet;
	unsigned int bit;
	int r;

	if (size < 2 || size - 2 > SECRET_CAPACITY)
		return;
	bit = (unsigned int)data[0] << 8 | data[1];
	fuzz_secret_set(&table, data + 2, size - 2);
	fuzz_secret_open(&table);
	table_pad(&table);
	r = packet_seal(&table, &tik, &tek, &measurement, iv, &packet);
	FUZZ_MUST(r == (table.len ? 0 : -EINVAL));
	if (r < 0)
		return;
	if (choice & FLIP)
		flip(&packet, bit);
	r = packet_open(&packet, &tik, &tek, &measurement, &back);
	FUZZ_MUST(r == (choice & FLIP ? -EBADMSG : 0));
	if (r < 0)
		return;
	fuzz_accepted++;
	FUZZ_MUST(back.len == table.len && memcmp(back.bytes, table.bytes, back.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int choice = fuzz_choice(&data, &size);

	set_keys();
	back.len = 0;
	if (choice & IS_PACKET)
		open_packet(data, size);
	else
		seal_table(choice, data, size);
	return 0;
}
