/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.c - GUIDs, numbers and words out of text that nobody has checked before.
 */
#include "base/text.h"
#include "conf/reference.h"

#include "tap.h"

static void test_guid(void)
{
	static const char *const bad[] = {
		"",
		"-",
		"736869e5-84f0-4973-92ec-06879ce3da0",	 /* one short */
		"736869e5-84f0-4973-92ec-06879ce3da0b0", /* one long */
		"736869e5-84f0-4973-92ec-06879ce3da0b ",
		" 736869e5-84f0-4973-92ec-06879ce3da0b",
		"{736869e5-84f0-4973-92ec-06879ce3da0b}",
		"736869e584f0-4973-92ec-06879ce3da0b0", /* a hyphen is missing */
		"736869e5084f0-4973-92ec-06879ce3da0b",
		"736869e5-84f004973-92ec-06879ce3da0b",
		"736869e5-84f0-4973092ec-06879ce3da0b",
		"736869e5-84f0-4973-92ec006879ce3da0b",
		"736869e-584f0-4973-92ec-06879ce3da0b", /* a hyphen too early */
		"736869g5-84f0-4973-92ec-06879ce3da0b",
		"736869E5-84F0-4973-92EC-06879CE3DA0G",
		"736869e5/84f0/4973/92ec/06879ce3da0b",
		"736869`5-84f0-4973-92ec-06879ce3da0b", /* neighbours of the allowed ranges */
		"736869@5-84f0-4973-92ec-06879ce3da0b",
		"736869:5-84f0-4973-92ec-06879ce3da0b",
		"736869/5-84f0-4973-92ec-06879ce3da0b",
		"../../../../../../../../etc/machine-id",
	};
	char guid[GUID_TEXT_SIZE] = "untouched";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ok(guid_from_text(bad[i], guid) == -EINVAL && strcmp(guid, "untouched") == 0,
		   "guid: '%s' is refused and writes nothing", bad[i]);
	is_int(guid_from_text(GUID_DISK_SECRET, guid), 0, "guid: lower case is taken");
	is_str(guid, "736869e5-84f0-4973-92ec-06879ce3da0b", "guid: lower case is kept");
	is_int(guid_from_text("ADF956AD-E98C-484C-AE11-B51C7D336447", guid), 0,
	       "guid: upper case is taken");
	is_str(guid, "adf956ad-e98c-484c-ae11-b51c7d336447", "guid: upper case becomes lower");
	is_int(guid_from_text("00000000-0000-0000-0000-00000000000f", guid), 0,
	       "guid: zeros are taken");
	ok(strcmp(GUID_DISK_SECRET, GUID_KERNEL_EXAMPLE) != 0 &&
		   strlen(GUID_KERNEL_EXAMPLE) == GUID_TEXT_LEN,
	   "guid: the look-alike is another GUID");
	is_str(GUID_KERNEL_EXAMPLE, "736870e5-84f0-4973-92ec-06879ce3da0b",
	       "guid: the look-alike is the one of the kernel's documentation");
}

static void test_u64(void)
{
	static const struct {
		const char *text;
		uint64_t max;
		int result;
		uint64_t value;
	} cases[] = {
		{ "0", 10, 0, 0 },
		{ "10", 10, 0, 10 },
		{ "11", 10, -ERANGE, 0 },
		{ "0000000000000000000000007", 10, 0, 7 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999", UINT64_MAX, -ERANGE, 0 },
		{ "184467440737095516150", UINT64_MAX, -ERANGE, 0 },
		{ "", UINT64_MAX, -EINVAL, 0 },
		{ "-1", UINT64_MAX, -EINVAL, 0 },
		{ "+1", UINT64_MAX, -EINVAL, 0 },
		{ " 1", UINT64_MAX, -EINVAL, 0 },
		{ "1 ", UINT64_MAX, -EINVAL, 0 },
		{ "1\n", UINT64_MAX, -EINVAL, 0 },
		{ "0x10", UINT64_MAX, -EINVAL, 0 },
		{ "1e3", UINT64_MAX, -EINVAL, 0 },
		{ "12:", UINT64_MAX, -EINVAL, 0 }, /* neighbours of the digits */
		{ "12/", UINT64_MAX, -EINVAL, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 4711;
		int r = text_u64(cases[i].text, cases[i].max, &value);
		char shown[64];

		text_printable(cases[i].text, shown, sizeof(shown));
		ok(r == cases[i].result && value == (r < 0 ? 4711 : cases[i].value),
		   "u64: '%s' up to %llu gives %d", shown, (unsigned long long)cases[i].max,
		   cases[i].result);
	}
}

static void test_printable(void)
{
	char buf[8];

	text_printable("a\"b\x1b\n\t~", buf, sizeof(buf));
	is_str(buf, "a'b???~", "printable: quotes and control bytes are replaced");
	text_printable("\x7f\x80\xff\xc3\xa4", buf, sizeof(buf));
	is_str(buf, "?????", "printable: DEL and bytes above ASCII are replaced");
	text_printable("0123456789", buf, sizeof(buf));
	is_str(buf, "0123456", "printable: cut to the buffer, terminated");
	text_printable("0123456789", buf, 1);
	is_str(buf, "", "printable: a buffer of one byte");
	text_printable(" !", buf, sizeof(buf));
	is_str(buf, " !", "printable: space stays");
}

static void test_append(void)
{
	char buf[8] = "";

	text_append(buf, sizeof(buf), "%d,", 12);
	text_append(buf, sizeof(buf), "%s", "ab");
	is_str(buf, "12,ab", "append: adds at the end");
	text_append(buf, sizeof(buf), "%s", "cdef");
	is_str(buf, "12,abcd", "append: cut, terminated");
	text_append(buf, sizeof(buf), "x");
	is_str(buf, "12,abcd", "append: a full buffer stays as it is");
}

static void test_words(void)
{
	char text[] = "  one\ttwo  three ", list[] = ",,a,,b,", empty[] = " \t ";
	char *cursor = text;

	is_str(text_word(&cursor, " \t"), "one", "word: first");
	is_str(text_word(&cursor, " \t"), "two", "word: second");
	is_str(text_word(&cursor, " \t"), "three", "word: third");
	ok(!text_word(&cursor, " \t"), "word: end");
	ok(!text_word(&cursor, " \t"), "word: end again");
	cursor = list;
	is_str(text_word(&cursor, ","), "a", "word: empty ones are skipped");
	is_str(text_word(&cursor, ","), "b", "word: empty ones inside, too");
	ok(!text_word(&cursor, ","), "word: none behind the last separator");
	cursor = empty;
	ok(!text_word(&cursor, " \t"), "word: none in blanks");
}

static void test_strip(void)
{
	char both[] = " \t\r x y \r\t ", none[] = "x", blank[] = " \t\r", empty[] = "";

	is_str(text_strip(both), "x y", "strip: both ends, not inside");
	is_str(text_strip(none), "x", "strip: nothing to do");
	is_str(text_strip(blank), "", "strip: blanks only");
	is_str(text_strip(empty), "", "strip: empty");
}

int main(void)
{
	test_guid();
	test_u64();
	test_printable();
	test_append();
	test_words();
	test_strip();
	return tap_done();
}
