/*
 * Sessions for counting instructions: the same at every run.
 *
 *     session_make KEYRING COUNT COOKIES | redis-cli --pipe
 *
 * Commands of Redis go to standard output, the values of the cookies, one a line, to the file COOKIES.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/otp_buffer.h"
#include "core/model/otp_session.h"
#include "tests/keyring_load.h"

#define BYTES_MAX   4096

static void cookie_of(unsigned number, char cookie[OTP_COOKIE_LEN])
{
    uint8_t      bytes[OTP_COOKIE_BYTES] = { (uint8_t) (number >> 8), (uint8_t) number };
    otp_buffer_t out;

    otp_buffer_init(&out, cookie, OTP_COOKIE_LEN);
    otp_buffer_add_base64url(&out, bytes, sizeof(bytes));
}


static bool put(otp_span_t name, otp_span_t value)
{
    static char   out[BYTES_MAX];
    otp_command_t command = { .args = 0 };

    otp_command_add(&command, OTP_SPAN("SET"));
    otp_command_add(&command, name);
    otp_command_add(&command, value);
    otp_command_add(&command, OTP_SPAN("EX"));
    otp_command_add(&command, OTP_SPAN("3600"));
    size_t len = otp_command_write(&command, false, out, sizeof(out));

    return len <= sizeof(out) && fwrite(out, 1, len, stdout) == len;
}


static bool name_of(otp_keyring_t *ring, otp_span_t cookie, const char *what, otp_name_t *name)
{
    uint8_t      digest[OTP_DIGEST_LEN];
    char         hex[2 * OTP_DIGEST_LEN];
    otp_buffer_t out;

    otp_buffer_init(&out, hex, sizeof(hex));
    if (otp_keyring_sha256(ring, cookie, digest) != OTP_OK) {
        return false;
    }
    otp_buffer_add_hex(&out, digest, sizeof(digest));
    otp_name_cookie(name, OTP_SPAN("otp:"), what, otp_buffer_span(&out));
    return true;
}


static bool make(otp_keyring_t *ring, unsigned number, FILE *cookies)
{
    char          text[OTP_COOKIE_LEN], record[OTP_SESSION_MAX], digits[24];
    otp_span_t    cookie = { text, sizeof(text) };
    otp_name_t    sess, seen;
    otp_buffer_t  mark;
    size_t        len;
    int64_t       now_s = (int64_t) time(NULL);
    otp_session_t session = {
        .person = { .uid = OTP_SPAN("marie.dupont"), .name = OTP_SPAN("Marie Dupont"),
            .email = OTP_SPAN("marie.dupont@example.org"), .groups = OTP_SPAN("staff,teachers,library,wifi,admins") },
        .level = OTP_LEVEL_OTP, .method = OTP_AUTH_KEY, .password_proven = true, .serial = OTP_SPAN("SN-000123456789"),
        .created = now_s, .auth_time = now_s, .otp_time = now_s, .expires = now_s + 3600, .idle_s = 1800
    };

    cookie_of(number, text);
    if (!name_of(ring, cookie, "sess", &sess) || !name_of(ring, cookie, "seen", &seen)
        || otp_session_write(ring, otp_name_span(&sess), &session, record, sizeof(record), &len) != OTP_OK)
    {
        return false;
    }
    otp_buffer_init(&mark, digits, sizeof(digits));
    otp_buffer_add_number(&mark, now_s);
    return put(otp_name_span(&sess), (otp_span_t) { record, len })
        && put(otp_name_span(&seen), otp_buffer_span(&mark))
        && fprintf(cookies, "%.*s\n", OTP_COOKIE_LEN, text) > 0;
}


int main(int argc, char **argv)
{
    otp_keyring_t *ring = argc == 4 ? keyring_load(argv[1]) : NULL;
    FILE          *cookies = ring ? fopen(argv[3], "we") : NULL;
    bool           done = cookies != NULL;

    for (int i = 0; done && i < atoi(argv[2]); i++) {
        done = make(ring, (unsigned) i, cookies);
    }
    if (cookies) {
        done = fclose(cookies) == 0 && done;
    }
    otp_keyring_destroy(ring);
    return done ? 0 : 1;
}
