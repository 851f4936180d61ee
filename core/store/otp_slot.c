#include "core/store/otp_slot.h"

#include <string.h>

#define PORT_MAX    65535

/* Four bits further: of this polynomial the remainder of a nibble is the nibble times the polynomial, without carry. */
static uint16_t crc_nibble(uint16_t crc, unsigned nibble)
{
    unsigned top = (unsigned) crc >> 12 ^ nibble;

    return (uint16_t) ((unsigned) crc << 4 ^ top << 12 ^ top << 5 ^ top);
}


uint16_t otp_slot_crc16(otp_span_t bytes)
{
    uint16_t crc = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        unsigned byte = (uint8_t) bytes.data[i];

        crc = crc_nibble(crc_nibble(crc, byte >> 4), byte & 15);
    }
    return crc;
}


/* Braces with nothing between them are no tag. */
static otp_span_t hashed_part(otp_span_t name)
{
    const char *open = name.len ? memchr(name.data, '{', name.len) : NULL, *close;

    if (!open) {
        return name;
    }
    close = memchr(open, '}', name.len - (size_t) (open - name.data));
    return close && close > open + 1 ? (otp_span_t) { open + 1, (size_t) (close - open) - 1 } : name;
}


unsigned otp_slot_of(otp_span_t name)
{
    return otp_slot_crc16(hashed_part(name)) % OTP_SLOTS;
}


/* The last colon parts them: an IPv6 address has colons of its own. */
static bool read_target(otp_span_t text, otp_slot_target_t *target)
{
    size_t  colon = text.len;
    int64_t port;

    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0) {
        return false;
    }
    target->host = (otp_span_t) { text.data, colon - 1 };
    target->port = (otp_span_t) { text.data + colon, text.len - colon };
    if (otp_span_equal(target->host, OTP_SPAN("?"))) {
        target->host.len = 0;
    }
    return otp_span_number(target->port, &port) == OTP_OK && port > 0 && port <= PORT_MAX;
}


otp_slot_redirection_t otp_slot_redirection(otp_span_t error, otp_slot_target_t *target)
{
    otp_span_t word = otp_span_cut(&error, ' '), number = otp_span_cut(&error, ' ');
    int64_t    slot;
    bool       moved = otp_span_equal(word, OTP_SPAN("MOVED"));

    *target = (otp_slot_target_t) { .slot = 0 };
    if (!moved && !otp_span_equal(word, OTP_SPAN("ASK"))) {
        return OTP_SLOT_HERE;
    }
    if (otp_span_number(number, &slot) != OTP_OK || slot >= OTP_SLOTS || !read_target(error, target)) {
        return OTP_SLOT_HERE;
    }
    target->slot = (unsigned) slot;
    return moved ? OTP_SLOT_MOVED : OTP_SLOT_ASK;
}
