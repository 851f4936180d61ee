#include "core/people/otp_password.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD_MAX    4096
#define HASH_MAX        256
#define BCRYPT_USED     72      /* bytes of a password that bcrypt looks at */

/* Fields of a line, in order. */
enum { FIELD_UID, FIELD_HASH, FIELD_NAME, FIELD_EMAIL, FIELD_GROUPS, FIELDS };

bool otp_password_line(otp_span_t *text, otp_span_t *line)
{
    while (text->data) {
        otp_span_t rest = *line = otp_span_cut(text, '\n');

        if (rest.len && rest.data[0] != '#' && otp_span_trim(otp_span_cut(&rest, ':')).len && rest.data) {
            return true;
        }
    }
    return false;
}


void otp_password_read(otp_span_t line, otp_person_t *person, otp_span_t *hash)
{
    otp_span_t field[FIELDS] = { { NULL, 0 } };

    for (size_t i = 0; i < FIELDS && line.data; i++) {
        field[i] = otp_span_trim(otp_span_cut(&line, ':'));
    }
    *person = (otp_person_t) {
        .uid = field[FIELD_UID], .name = field[FIELD_NAME], .email = field[FIELD_EMAIL], .groups = field[FIELD_GROUPS]
    };
    *hash = field[FIELD_HASH];
}


bool otp_password_next(otp_span_t *text, otp_person_t *person)
{
    otp_span_t line, hash;

    if (!otp_password_line(text, &line)) {
        return false;
    }
    otp_password_read(line, person, &hash);
    return true;
}


/* The alphabet of crypt(5), and the value of its digits. */
static int crypt_value(char c)
{
    if (c == '.' || c == '/') {
        return c == '/';
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 2;
    }
    if (c >= 'A' && c <= 'Z') {
        return c - 'A' + 12;
    }
    return c >= 'a' && c <= 'z' ? c - 'a' + 38 : -1;
}


static bool crypt_text(otp_span_t text, size_t min, size_t max)
{
    for (size_t i = 0; i < text.len; i++) {
        if (crypt_value(text.data[i]) < 0) {
            return false;
        }
    }
    return text.len >= min && text.len <= max;
}


/*
 * A number of yescrypt's settings, at least `min`: the first character says how many follow it, each of
 * 6 bits, so that small numbers take one character (crypt(5); the format of Openwall's yescrypt).
 */
static bool yescrypt_number(otp_span_t *text, uint32_t min, uint32_t *number)
{
    uint32_t start = 0, end = 47, value = min;
    unsigned more = 0;
    int      digit = text->len ? crypt_value(text->data[0]) : -1;

    if (digit < 0) {
        return false;
    }
    while ((uint32_t) digit > end) {
        value += (end + 1 - start) << (6 * more);
        start = end + 1;
        end = start + (62 - end) / 2;
        more++;
    }
    if (more > 3 || text->len <= more) {
        return false;
    }
    value += ((uint32_t) digit - start) << (6 * more);
    for (size_t i = 1; i <= more; i++) {
        digit = crypt_value(text->data[i]);
        if (digit < 0) {
            return false;
        }
        value += (uint32_t) digit << (6 * (more - i));
    }
    text->data += more + 1;
    text->len -= more + 1;
    *number = value;
    return true;
}


/* `PARAMS$SALT$HASH`: flavour, log2 N and r.  Time factors, parallelism and ROM, which nobody's tools write,
 * would come after them: refused, so that 128 N r bytes bound the time as well. */
static bool yescrypt_acceptable(otp_span_t text)
{
    otp_span_t params = otp_span_cut(&text, '$');
    otp_span_t salt = otp_span_cut(&text, '$');
    uint32_t   flavour, log2_n, r;

    return yescrypt_number(&params, 0, &flavour)
        && yescrypt_number(&params, 1, &log2_n)
        && yescrypt_number(&params, 1, &r)
        && params.len == 0
        && log2_n <= 21 && ((uint64_t) r << log2_n) * 128 <= (uint64_t) 256 << 20
        && crypt_text(salt, 1, 86)
        && crypt_text(text, 43, 43);
}


/* `CC$` and 22 characters of salt, 31 of hash. */
static bool bcrypt_acceptable(otp_span_t text)
{
    otp_span_t cost = otp_span_cut(&text, '$');
    int64_t    log2_rounds;

    return cost.len == 2
        && otp_span_number(cost, &log2_rounds) == OTP_OK && log2_rounds >= 4 && log2_rounds <= 15
        && crypt_text(text, 53, 53);
}


/* `[rounds=N$]SALT$HASH` */
static bool sha_acceptable(otp_span_t text, size_t hash_len)
{
    otp_span_t salt = otp_span_cut(&text, '$');
    int64_t    rounds;

    if (otp_span_starts(salt, OTP_SPAN("rounds="))) {
        salt.data += 7;
        salt.len -= 7;
        if (otp_span_number(salt, &rounds) != OTP_OK || rounds < 1000 || rounds > 5000000) {
            return false;
        }
        salt = otp_span_cut(&text, '$');
    }
    return crypt_text(salt, 1, 16) && crypt_text(text, hash_len, hash_len);
}


static bool is_bcrypt(otp_span_t hash)
{
    return otp_span_starts(hash, OTP_SPAN("$2a$")) || otp_span_starts(hash, OTP_SPAN("$2b$"))
        || otp_span_starts(hash, OTP_SPAN("$2y$"));
}


bool otp_password_acceptable(otp_span_t hash)
{
    otp_span_t rest = { hash.data, hash.len };

    if (hash.len < 4 || hash.len > HASH_MAX || hash.data[0] != '$') {
        return false;
    }
    (void) otp_span_cut(&rest, '$');
    otp_span_t method = otp_span_cut(&rest, '$');

    if (is_bcrypt(hash)) {
        return bcrypt_acceptable(rest);
    }
    if (otp_span_equal(method, OTP_SPAN("y"))) {
        return yescrypt_acceptable(rest);
    }
    if (otp_span_equal(method, OTP_SPAN("6"))) {
        return sha_acceptable(rest, 86);
    }
    return otp_span_equal(method, OTP_SPAN("5")) && sha_acceptable(rest, 43);
}


/* crypt_r() wants 32 KiB, and NUL-terminated copies of both: too much for a thread's stack. */
typedef struct {
    struct crypt_data crypt;
    char              password[PASSWORD_MAX + 1];
    char              hash[HASH_MAX + 1];
} scratch_t;

static bool crypt_matches(scratch_t *scratch, otp_span_t password, otp_span_t hash)
{
    memcpy(scratch->password, password.data, password.len);
    memcpy(scratch->hash, hash.data, hash.len);

    const char *made = crypt_r(scratch->password, scratch->hash, &scratch->crypt);

    return made && made[0] == '$' && strlen(made) == hash.len && otp_secret_equal(made, hash.data, hash.len);
}


bool otp_password_matches(otp_span_t password, otp_span_t hash)
{
    if (!otp_password_acceptable(hash)
        || password.len == 0 || password.len > PASSWORD_MAX || memchr(password.data, '\0', password.len)
        || (password.len > BCRYPT_USED && is_bcrypt(hash)))
    {
        return false;
    }
    scratch_t *scratch = calloc(1, sizeof(*scratch));
    bool       matches = scratch && crypt_matches(scratch, password, hash);

    if (scratch) {
        otp_secret_wipe(scratch, sizeof(*scratch));
        free(scratch);
    }
    return matches;
}
