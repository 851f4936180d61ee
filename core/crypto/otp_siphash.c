#include "core/crypto/otp_siphash.h"

#include <endian.h>
#include <string.h>

typedef struct {
    uint64_t v0, v1, v2, v3;
} otp_sip_t;


static uint64_t otp_sip_word(const void *byte)
{
    uint64_t word;

    memcpy(&word, byte, sizeof(word));
    return le64toh(word);
}


/* The last, incomplete word, with the length in its last byte. */
static uint64_t otp_sip_last(const char *byte, size_t left, size_t len)
{
    uint64_t word = (uint64_t) len << 56;

    for (size_t i = 0; i < left; i++) {
        word |= (uint64_t) (uint8_t) byte[i] << 8 * i;
    }
    return word;
}


static uint64_t otp_sip_rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}


static inline void otp_sip_round(otp_sip_t *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = otp_sip_rotate(s->v1, 13) ^ s->v0;
    s->v3 = otp_sip_rotate(s->v3, 16) ^ s->v2;
    s->v0 = otp_sip_rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = otp_sip_rotate(s->v1, 17) ^ s->v2;
    s->v3 = otp_sip_rotate(s->v3, 21) ^ s->v0;
    s->v2 = otp_sip_rotate(s->v2, 32);
}


static inline void otp_sip_absorb(otp_sip_t *s, uint64_t word)
{
    s->v3 ^= word;
    otp_sip_round(s);
    otp_sip_round(s);
    s->v0 ^= word;
}


static inline uint64_t otp_sip_squeeze(otp_sip_t *s)
{
    otp_sip_round(s);
    otp_sip_round(s);
    otp_sip_round(s);
    otp_sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}


otp_siphash_t otp_siphash(const uint8_t key[OTP_SIPHASH_KEY], otp_span_t text)
{
    uint64_t      k0 = otp_sip_word(key), k1 = otp_sip_word(key + 8);
    const char   *byte = text.data;
    size_t        left = text.len;
    otp_siphash_t hash;

    /* "somepseudorandomlygeneratedbytes"; 0xee and 0xdd are for 128 bits of output. */
    otp_sip_t s = {
        k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573
    };

    for ( ; left >= 8; left -= 8, byte += 8) {
        otp_sip_absorb(&s, otp_sip_word(byte));
    }
    otp_sip_absorb(&s, otp_sip_last(byte, left, text.len));

    s.v2 ^= 0xee;
    hash.low = otp_sip_squeeze(&s);
    s.v1 ^= 0xdd;
    hash.high = otp_sip_squeeze(&s);
    return hash;
}
