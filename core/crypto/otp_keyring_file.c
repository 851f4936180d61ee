#include <stdio.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/base/otp_encode.h"
#include "core/crypto/otp_keyring_private.h"

static const char magic[] = "otp-keyring 1";

/* Reads `ID CREATED KEY`.  NULL, or what is wrong with the line: never what is in it. */
static const char *read_line(otp_span_t line, otp_keyring_master_t *master)
{
    otp_span_t id = otp_span_cut(&line, ' ');
    otp_span_t created = otp_span_cut(&line, ' ');
    uint8_t    bytes[OTP_KEY_ID_LEN / 2];
    int64_t    created_s;
    size_t     len;

    if (id.len != OTP_KEY_ID_LEN || otp_hex_decode(id, bytes, sizeof(bytes), &len) != OTP_OK) {
        return "the identifier is not 8 hex digits";
    }
    for (size_t i = 0; i < id.len; i++) {
        /* One spelling: an identifier is compared byte for byte in what was sealed with it. */
        if (id.data[i] >= 'A' && id.data[i] <= 'F') {
            return "the identifier is not in lower case";
        }
    }
    if (otp_span_number(created, &created_s) != OTP_OK) {
        return "the time of creation is not a number of seconds";
    }
    if (otp_base64url_decode(line, master->master, OTP_MASTER_LEN, &len) != OTP_OK || len != OTP_MASTER_LEN) {
        return "the key is not 32 bytes in base64url";
    }
    memcpy(master->id, id.data, OTP_KEY_ID_LEN);
    return NULL;
}


static const char *add_line(otp_span_t line, otp_keyring_master_t *master, size_t *count)
{
    if (*count == OTP_KEYRING_KEYS) {
        return "more than 16 keys";
    }
    const char *reason = read_line(line, &master[*count]);

    if (reason) {
        return reason;
    }
    for (size_t i = 0; i < *count; i++) {
        if (memcmp(master[i].id, master[*count].id, OTP_KEY_ID_LEN) == 0) {
            return "the identifier is there twice";
        }
    }
    ++*count;
    return NULL;
}


otp_status_t otp_keyring_read(otp_span_t text, otp_keyring_master_t *master, size_t *count,
    char *error, size_t error_size)
{
    otp_span_t  line = otp_span_trim(otp_span_cut(&text, '\n'));
    size_t      number = 1;
    const char *reason = otp_span_equal(line, otp_span_of(magic)) ? NULL : "the first line is not \"otp-keyring 1\"";

    for (*count = 0; !reason && text.data; ) {
        line = otp_span_trim(otp_span_cut(&text, '\n'));
        number++;
        if (line.len && line.data[0] != '#') {
            reason = add_line(line, master, count);
        }
    }
    if (!reason && *count == 0) {
        reason = "there is no key";
    }
    if (!reason) {
        return OTP_OK;
    }
    (void) snprintf(error, error_size, "line %zu: %s", number, reason);
    return OTP_INVALID;
}


otp_status_t otp_keyring_add(otp_span_t old, const uint8_t random[OTP_MASTER_LEN + 4],
    int64_t now_s, char *text, size_t size, size_t *len)
{
    otp_keyring_master_t master[OTP_KEYRING_KEYS];
    otp_buffer_t         out;
    size_t               count;
    char                 ignored[1];

    *len = 0;
    otp_buffer_init(&out, text, size);
    otp_buffer_add(&out, old.len ? old : otp_span_of(magic));
    if (old.len == 0 || old.data[old.len - 1] != '\n') {
        otp_buffer_add_char(&out, '\n');
    }
    otp_buffer_add_hex(&out, random + OTP_MASTER_LEN, 4);
    otp_buffer_add_char(&out, ' ');
    otp_buffer_add_number(&out, now_s);
    otp_buffer_add_char(&out, ' ');
    otp_buffer_add_base64url(&out, random, OTP_MASTER_LEN);
    otp_buffer_add_char(&out, '\n');

    otp_status_t status = out.overflow ? OTP_NO_ROOM
        : otp_keyring_read(otp_buffer_span(&out), master, &count, ignored, sizeof(ignored));

    otp_secret_wipe(master, sizeof(master));
    if (status != OTP_OK) {
        otp_secret_wipe(text, size);
        return status;
    }
    *len = out.len;
    return OTP_OK;
}
