#include <string.h>

#include "core/decide/otp_zone.h"
#include "core/decide/otp_zone_rule.h"

#define OTP_ZONE_HEADER     44
#define OTP_ZONE_BEFORE_S   (INT64_C(2) * 366 * 86400)
#define OTP_ZONE_AFTER_S    (INT64_C(30) * 366 * 86400)

/* A data block of the file (RFC 8536 section 3.2). */
typedef struct {
    uint64_t       utc, standard, leaps, times, types, letters;
    const uint8_t *time, *index, *type;
} otp_zone_block_t;

/* The table under construction: what is known before `from` only moves its first line. */
typedef struct {
    otp_zone_t *zone;
    int64_t     from, until;
} otp_zone_table_t;


bool otp_zone_name_valid(otp_span_t name)
{
    char before = '/';

    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if ((!letter && c != '+' && c != '-' && c != '_' && c != '/') || (c == '/' && before == '/')) {
            return false;
        }
        before = c;
    }

    return name.len != 0 && name.len <= 64 && before != '/';
}


static int64_t otp_zone_number(const uint8_t *bytes, size_t len)
{
    uint64_t number = bytes[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < len; i++) {
        number = number << 8 | bytes[i];
    }

    return (int64_t) number;
}


static uint64_t otp_zone_count(const uint8_t *header, size_t i)
{
    return (uint64_t) otp_zone_number(header + 20 + 4 * i, 4) & UINT32_MAX;
}


/* Takes a header and the data behind it, whose times have `width` bytes, off `*file`. */
OTP_MUST_USE static bool otp_zone_take_block(otp_span_t *file, uint64_t width, otp_zone_block_t *block)
{
    uint64_t       len;
    const uint8_t *header = (const uint8_t *) file->data;

    if (file->len < OTP_ZONE_HEADER || memcmp(header, "TZif", 4) != 0 || header[4] < '2') {
        return false;
    }

    block->utc = otp_zone_count(header, 0);
    block->standard = otp_zone_count(header, 1);
    block->leaps = otp_zone_count(header, 2);
    block->times = otp_zone_count(header, 3);
    block->types = otp_zone_count(header, 4);
    block->letters = otp_zone_count(header, 5);
    block->time = header + OTP_ZONE_HEADER;

    /* Counts of 32 bits: this does not overflow. */
    len = OTP_ZONE_HEADER + block->times * (width + 1) + block->types * 6 + block->letters
          + block->leaps * (width + 4) + block->standard + block->utc;
    if (len > file->len) {
        return false;
    }

    block->index = block->time + block->times * width;
    block->type = block->index + block->times;
    file->data += len;
    file->len -= (size_t) len;

    return true;
}


OTP_MUST_USE static bool otp_zone_add(otp_zone_table_t *table, int64_t from, int64_t offset_s)
{
    otp_zone_t        *zone = table->zone;
    otp_zone_change_t *last = &zone->change[zone->changes - 1];

    if (from <= table->from) {
        zone->change[0].offset_s = offset_s;
        return true;
    }

    if (from <= last->from) {
        last->offset_s = offset_s;
        return true;
    }

    if (from > table->until || last->offset_s == offset_s) {
        return true;
    }

    if (zone->changes == OTP_ZONE_CHANGES) {
        return false;
    }
    zone->change[zone->changes++] = (otp_zone_change_t) { from, offset_s };

    return true;
}


OTP_MUST_USE static bool otp_zone_offset_at(const otp_zone_block_t *block, uint64_t type, int64_t *offset_s)
{
    if (type >= block->types) {
        return false;
    }
    *offset_s = otp_zone_number(block->type + 6 * type, 4);

    return *offset_s > -100000 && *offset_s < 100000;
}


/* The changes that the file lists; `*last`: of the last one. */
OTP_MUST_USE static bool otp_zone_listed(const otp_zone_block_t *block, otp_zone_table_t *table, int64_t *last)
{
    int64_t offset_s;

    if (!otp_zone_offset_at(block, 0, &offset_s)) {
        return false;
    }
    table->zone->change[0] = (otp_zone_change_t) { table->from, offset_s };
    table->zone->changes = 1;
    *last = INT64_MIN;

    for (uint64_t i = 0; i < block->times; i++) {
        int64_t from = otp_zone_number(block->time + 8 * i, 8);

        if ((i != 0 && from <= *last) || !otp_zone_offset_at(block, block->index[i], &offset_s)
            || !otp_zone_add(table, from, offset_s))
        {
            return false;
        }
        *last = from;
    }

    return true;
}


/* The changes after the listed ones, by the rule in the file's last line. */
OTP_MUST_USE static bool otp_zone_ruled(const otp_zone_rule_t *rule, otp_zone_table_t *table, int64_t last)
{
    int64_t first_year = otp_zone_year(table->from) - 1, last_year = otp_zone_year(table->until);

    if (!rule->changes) {
        /* The listed changes have led there already; where there are none, this is all that is known. */
        return last != INT64_MIN || otp_zone_add(table, table->from, rule->standard_s);
    }

    for (int64_t year = first_year; year <= last_year; year++) {
        int64_t summer = otp_zone_rule_begin(&rule->begin, year) - rule->standard_s;
        int64_t winter = otp_zone_rule_begin(&rule->end, year) - rule->summer_s;
        bool    north = summer < winter;

        for (int second = 0; second < 2; second++) {
            bool    into_summer = north == (second == 0);
            int64_t from = into_summer ? summer : winter;

            if (from > last && !otp_zone_add(table, from, into_summer ? rule->summer_s : rule->standard_s)) {
                return false;
            }
        }
    }

    return true;
}


otp_status_t otp_zone_parse(otp_span_t file, int64_t now_s, otp_zone_t *zone)
{
    otp_zone_block_t block;
    otp_zone_rule_t  rule;
    otp_zone_table_t table = { zone, now_s - OTP_ZONE_BEFORE_S, now_s + OTP_ZONE_AFTER_S };
    otp_span_t       line;
    int64_t          last;

    memset(zone, 0, sizeof(*zone));
    if (!otp_zone_take_block(&file, 4, &block) || !otp_zone_take_block(&file, 8, &block) || block.leaps != 0
        || !otp_zone_listed(&block, &table, &last) || file.len == 0 || file.data[0] != '\n')
    {
        memset(zone, 0, sizeof(*zone));
        return OTP_INVALID;
    }

    file.data++;
    file.len--;
    line = otp_span_cut(&file, '\n');
    if (file.data == NULL
        || (line.len != 0 && (!otp_zone_rule_parse(line, &rule) || !otp_zone_ruled(&rule, &table, last))))
    {
        memset(zone, 0, sizeof(*zone));
        return OTP_INVALID;
    }

    return OTP_OK;
}
