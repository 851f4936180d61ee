#include "otpctl/import/otpctl_import_ctf.h"

#include <string.h>

#include "otpctl/import/otpctl_import_aes.h"

#define BLOCK       OTPCTL_AES_BLOCK
#define CHECK_BITS  15
#define CHECKED     (OTPCTL_CTF_DIGITS - CHECK_BITS / 3)    /* digits before the last check */
#define NO_DEVICE   0x2e77                                  /* the check of no device */

/* Octal digits; bits that fill none yet wait. */
typedef struct {
    char    *digit;
    unsigned waiting, bits;
} digits_t;

static void add_bits(digits_t *digits, unsigned value, unsigned bits)
{
    while (bits-- > 0) {
        digits->waiting = digits->waiting << 1 | (value >> bits & 1);
        if (++digits->bits == 3) {
            *digits->digit++ = (char) ('0' + digits->waiting);
            digits->waiting = digits->bits = 0;
        }
    }
}


/* A block that is encrypted under `key`, and mixed with what it was. */
static bool absorb(const uint8_t key[BLOCK], uint8_t hash[BLOCK])
{
    uint8_t before[BLOCK];
    bool    fine;

    memcpy(before, hash, BLOCK);
    fine = otpctl_aes_encrypt(key, NULL, hash, BLOCK);
    otpctl_aes_mix(hash, before);
    otp_secret_wipe(before, sizeof(before));
    return fine;
}


/* The first bits of a hash that takes the bytes for keys, an odd number of blocks; then the number of bits, and the
 * hash itself. */
static bool check(const void *bytes, size_t len, unsigned *bits)
{
    const uint8_t *at = bytes;
    uint8_t        hash[BLOCK], key[BLOCK] = { 0 };
    bool           fine = true;

    memset(hash, 0xff, BLOCK);
    for (size_t i = 0; i < len; i += BLOCK) {
        memset(key, 0, BLOCK);
        memcpy(key, at + i, len - i < BLOCK ? len - i : BLOCK);
        fine = fine && absorb(key, hash);
    }
    memset(key, 0, BLOCK);
    key[BLOCK - 1] = (uint8_t) (len * 8);
    key[BLOCK - 2] = (uint8_t) (len * 8 >> 8);
    fine = fine && absorb(key, hash);
    memcpy(key, hash, BLOCK);
    fine = fine && absorb(key, hash);
    *bits = (unsigned) hash[0] << 7 | hash[1] >> 1;
    otp_secret_wipe(hash, sizeof(hash));
    otp_secret_wipe(key, sizeof(key));
    return fine;
}


bool otpctl_ctf_write(const otpctl_ctf_t *token, char string[OTPCTL_CTF_DIGITS + 1])
{
    /* The whole hash of d8 f5 32 53 82 89, which a password and a device would stand before. */
    static const uint8_t no_password[BLOCK] = {
        0x50, 0x78, 0x2d, 0xc7, 0x20, 0x93, 0x0c, 0x7c, 0x11, 0xb5, 0xe5, 0x6d, 0x61, 0x95, 0xe7, 0xff
    };
    size_t               zeros = OTPCTL_CTF_SERIAL - token->serial.len;
    digits_t             digits = { .digit = string + 1 + OTPCTL_CTF_SERIAL };
    uint8_t              seed[BLOCK];
    unsigned             seed_check, last_check;
    bool                 fine;

    string[0] = '2';
    memset(string + 1, '0', zeros);
    memcpy(string + 1 + zeros, token->serial.data, token->serial.len);
    memcpy(seed, token->seed, BLOCK);
    fine = otpctl_aes_encrypt(no_password, NULL, seed, BLOCK) && check(token->seed, BLOCK, &seed_check);
    for (size_t i = 0; fine && i < BLOCK; i++) {
        add_bits(&digits, seed[i], 8);
    }
    if (fine) {
        add_bits(&digits, token->what, 16);
        add_bits(&digits, token->last_day, 14);
        add_bits(&digits, 0, 1);
        add_bits(&digits, seed_check, CHECK_BITS);
        add_bits(&digits, NO_DEVICE, CHECK_BITS);
        fine = check(string, CHECKED, &last_check);
    }
    if (fine) {
        add_bits(&digits, last_check, CHECK_BITS);
        string[OTPCTL_CTF_DIGITS] = '\0';
    }
    otp_secret_wipe(seed, sizeof(seed));
    return fine;
}
