/*
 * Writes what `make bench` needs in Redis, as commands for `redis-cli --pipe` on standard output.
 *
 *     bench_records KEYRING sessions COUNT COOKIES            sessions; their cookies, a line each, go to the file
 *     bench_records KEYRING marks FIRST COUNT COOKIES         the last-seen marks of some of them, of now
 *     bench_records KEYRING accounts FIRST COUNT CSRF FORMS   people with a key and a PIN; the file gets a line each:
 *                                                             the form in which they sign in with the code of now
 *
 * Lines of a file have one length, so that the reader finds the n-th by counting.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/base/otp_buffer.h"
#include "core/model/otp_account.h"
#include "core/model/otp_session.h"

#define PREFIX      OTP_SPAN("otp:")
#define BYTES_MAX   16384
#define PIN         "407185"
#define PERIOD_S    60
#define SEED_LEN    20
#define IDLE_S      1800
#define LIFETIME_S  36000

typedef struct {
    otp_keyring_t *ring;
    FILE          *file;        /* of cookies or forms */
    const char    *csrf;
    int64_t        now_s;
    unsigned long  first, count;
} work_t;


static void fail(const char *what)
{
    fprintf(stderr, "bench_records: %s\n", what);
    exit(1);
}


static otp_keyring_t *keyring_load(const char *path)
{
    char           text[BYTES_MAX], error[128];
    FILE          *file = fopen(path, "re");
    size_t         len = file == NULL ? 0 : fread(text, 1, sizeof(text), file);
    otp_keyring_t *ring = otp_keyring_parse((otp_span_t) { text, len }, error, sizeof(error));

    if (file == NULL || ring == NULL) {
        fail(path);
    }
    fclose(file);

    return ring;
}


static void random_bytes(uint8_t *bytes, size_t len)
{
    if (getrandom(bytes, len, 0) != (ssize_t) len) {
        fail("no randomness");
    }
}


static void put(const otp_command_t *command)
{
    static char bytes[BYTES_MAX];
    size_t      len = otp_command_write(command, false, bytes, sizeof(bytes));

    if (len > sizeof(bytes) || fwrite(bytes, 1, len, stdout) != len) {
        fail("cannot write a command");
    }
}


static void put_set(otp_span_t name, otp_span_t value, const char *ttl_s)
{
    otp_command_t command = { .args = 0 };

    otp_command_add(&command, OTP_SPAN("SET"));
    otp_command_add(&command, name);
    otp_command_add(&command, value);
    if (ttl_s != NULL) {
        otp_command_add(&command, OTP_SPAN("EX"));
        otp_command_add(&command, otp_span_of(ttl_s));
    }
    put(&command);
}


static void put_mark(const work_t *work, const otp_session_lookup_t *lookup)
{
    char         text[24];
    otp_buffer_t out;

    otp_buffer_init(&out, text, sizeof(text));
    otp_buffer_add_number(&out, work->now_s);
    put_set(otp_name_span(&lookup->seen), otp_buffer_span(&out), "1800");
}


/* A session as a teacher of the demonstration has it, opened with the key. */
static void put_session(const work_t *work, unsigned long number)
{
    char                 cookie[OTP_COOKIE_LEN + 1] = "", record[OTP_SESSION_MAX], uid[16], email[40];
    uint8_t              bytes[OTP_COOKIE_BYTES];
    size_t               len;
    otp_buffer_t         out;
    otp_session_lookup_t lookup;
    otp_session_t        session = {
        .level = OTP_LEVEL_OTP, .method = OTP_AUTH_KEY, .password_proven = true, .created = work->now_s,
        .auth_time = work->now_s, .otp_time = work->now_s, .expires = work->now_s + LIFETIME_S, .idle_s = IDLE_S,
        .serial = OTP_SPAN("201500042"),
    };

    random_bytes(bytes, sizeof(bytes));
    otp_buffer_init(&out, cookie, OTP_COOKIE_LEN);
    otp_buffer_add_base64url(&out, bytes, sizeof(bytes));
    (void) snprintf(uid, sizeof(uid), "p%07lu", number);
    (void) snprintf(email, sizeof(email), "%s@example.org", uid);
    session.person = (otp_person_t) {
        .uid = otp_span_of(uid), .name = OTP_SPAN("Marie Dupont"), .email = otp_span_of(email),
        .groups = OTP_SPAN("enseignants,personnels")
    };

    if (otp_session_lookup_cookie(work->ring, PREFIX, otp_buffer_span(&out), &lookup) != OTP_OK
        || otp_session_write(work->ring, otp_name_span(&lookup.sess), &session, record, sizeof(record), &len) != OTP_OK)
    {
        fail("a session cannot be written");
    }

    put_set(otp_name_span(&lookup.sess), (otp_span_t) { record, len }, "36000");
    put_mark(work, &lookup);
    fprintf(work->file, "%s\n", cookie);
}


static void put_marks(const work_t *work)
{
    char                 cookie[OTP_COOKIE_LEN + 1];
    otp_session_lookup_t lookup;

    if (fseek(work->file, (long) (work->first * sizeof(cookie)), SEEK_SET) != 0) {
        fail("no such cookie");
    }

    for (unsigned long i = 0; i < work->count; i++) {
        if (fread(cookie, 1, sizeof(cookie), work->file) != sizeof(cookie)
            || otp_session_lookup_cookie(work->ring, PREFIX, (otp_span_t) { cookie, OTP_COOKIE_LEN }, &lookup)
                   != OTP_OK)
        {
            fail("no such cookie");
        }
        put_mark(work, &lookup);
    }
}


/* A key with a PIN, in use since yesterday; returns the code it shows now. */
static uint32_t make_key(const work_t *work, unsigned long number, otp_key_t *key)
{
    uint8_t    seed[SEED_LEN], nonce[OTP_RANDOM_NONCE], salt[OTP_SALT_LEN];
    uint32_t   code;
    int64_t    step = otp_totp_step(work->now_s, PERIOD_S);
    otp_span_t secret = { (const char *) seed, sizeof(seed) };

    random_bytes(seed, sizeof(seed));
    random_bytes(nonce, sizeof(nonce));
    random_bytes(salt, sizeof(salt));
    (void) snprintf(key->serial, sizeof(key->serial), "2%08lu", number);
    key->type = OTP_TYPE_TOTP;
    key->algorithm = OTP_SHA1;
    key->digits = 6;
    key->period_s = PERIOD_S;
    key->state = OTP_KEY_USABLE;
    key->assigned = work->now_s - 2 * 86400;
    key->used = work->now_s - 86400;
    key->step = step - 86400 / PERIOD_S;
    if (otp_key_seal(work->ring, key, secret, nonce) != OTP_OK
        || otp_pin_set(work->ring, otp_span_of(key->serial), OTP_SPAN(PIN), salt, &key->pin) != OTP_OK
        || otp_hotp_codes(key->algorithm, secret, key->digits, step, 1, &code) != OTP_OK)
    {
        fail("a key cannot be made");
    }

    return code;
}


static void put_account(const work_t *work, unsigned long number)
{
    char          uid[16], record[OTP_ACCOUNT_MAX];
    size_t        len;
    uint32_t      code;
    otp_name_t    name;
    otp_account_t account;

    (void) snprintf(uid, sizeof(uid), "p%07lu", number);
    otp_account_init(&account, otp_span_of(uid));
    account.keys = 1;
    code = make_key(work, number, &account.key[0]);
    (void) snprintf(account.contact.name, sizeof(account.contact.name), "Marie Dupont");
    (void) snprintf(account.contact.email, sizeof(account.contact.email), "%s@example.org", uid);
    (void) snprintf(account.contact.language, sizeof(account.contact.language), "fr");

    otp_name_of(&name, OTP_NAME_ACCOUNT, PREFIX, otp_span_of(uid));
    if (otp_account_write(work->ring, otp_name_span(&name), &account, record, sizeof(record), &len) != OTP_OK) {
        fail("an account cannot be written");
    }

    put_set(otp_name_span(&name), (otp_span_t) { record, len }, NULL);
    fprintf(work->file, "username=%s&method=passcode&passcode=" PIN "%06u&csrf=%s\n", uid, code, work->csrf);
}


int main(int argc, char **argv)
{
    const char *kind = argc > 2 ? argv[2] : "";
    work_t      work = { .now_s = (int64_t) time(NULL) };
    bool        sessions = strcmp(kind, "sessions") == 0 && argc == 5;
    bool        marks = strcmp(kind, "marks") == 0 && argc == 6;
    bool        accounts = strcmp(kind, "accounts") == 0 && argc == 7;

    if (!sessions && !marks && !accounts) {
        fail("see the beginning of bench_records.c");
    }

    work.ring = keyring_load(argv[1]);
    work.file = fopen(argv[argc - 1], marks ? "re" : "we");
    work.first = sessions ? 0 : strtoul(argv[3], NULL, 10);
    work.count = strtoul(argv[sessions ? 3 : 4], NULL, 10);
    work.csrf = accounts ? argv[5] : NULL;
    if (work.file == NULL) {
        fail(argv[argc - 1]);
    }

    if (marks) {
        put_marks(&work);
    }
    for (unsigned long i = 0; !marks && i < work.count; i++) {
        sessions ? put_session(&work, i) : put_account(&work, work.first + i);
    }

    otp_keyring_destroy(work.ring);

    return fclose(work.file) == 0 && fflush(stdout) == 0 ? 0 : 1;
}
