#include "core/base/otp_text.h"
#include "core/http/otp_form.h"
#include "core/model/otp_event.h"
#include "core/model/otp_json.h"
#include "otpctl/otpctl_audit.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/*
 * An audit line: as it is read (the first line of the input), and as it is written with texts that somebody typed (the
 * lines that follow it).  Whatever they are, it is one line, JSON, and says the same.
 */
#define TEXTS   6

static void read_line(otp_span_t line)
{
    const otpctl_audit_t audit = { .only = true, .uid = "marie" };
    otp_span_t           event, verdict;

    if (otp_event_words(line, &event, &verdict)) {
        FUZZ_REQUIRE(event.data >= line.data && event.data + event.len <= line.data + line.len);
        FUZZ_REQUIRE(verdict.data >= line.data && verdict.data + verdict.len <= line.data + line.len);
    }
    if (otpctl_audit_wanted(&audit, line)) {
        FUZZ_ACCEPTED();
        FUZZ_REQUIRE(memmem(line.data, line.len, "user", 4) != NULL || memchr(line.data, '\\', line.len) != NULL);
    }
}


static void same(const json_t *object, const char *member, otp_span_t text)
{
    const json_t *value = json_object_get(object, member);

    if (text.len > 0 && otp_utf8_valid(text)) {
        FUZZ_REQUIRE(otp_span_equal(text, (otp_span_t) { json_string_value(value), json_string_length(value) }));
    }
}


static void write_line(const otp_span_t text[TEXTS])
{
    otp_event_t event = {
        .time_ms = 1700000000000, .event = OTP_SPAN("key_disable"), .verdict = OTP_SPAN("ok"), .user = text[0],
        .address = text[1], .actor = text[2], .note = text[3], .reason = text[4], .request = text[5]
    };
    char        line[OTP_EVENT_MAX];
    size_t      len;
    otp_span_t  read_event, verdict;
    json_t     *object;

    if (otp_event_write(&event, line, sizeof(line), &len) != OTP_OK) {
        return;
    }
    FUZZ_REQUIRE(len <= sizeof(line) && memchr(line, '\n', len) == NULL && memchr(line, '\0', len) == NULL);
    FUZZ_REQUIRE(otp_event_words((otp_span_t) { line, len }, &read_event, &verdict));
    FUZZ_REQUIRE(otp_span_equal(read_event, event.event) && otp_span_equal(verdict, event.verdict));
    object = otp_json_object((otp_span_t) { line, len });
    FUZZ_REQUIRE(object != NULL);
    same(object, "user", event.user);
    same(object, "note", event.note);
    json_decref(object);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t rest = { (const char *) data, size }, text[TEXTS], kept;
    char      *undirected = malloc(size + 1);

    FUZZ_REQUIRE(undirected != NULL);
    kept = otp_text_undirected(rest, undirected);
    FUZZ_REQUIRE(kept.len <= rest.len && otp_utf8_valid(kept) >= otp_utf8_valid(rest));
    FUZZ_REQUIRE(memmem(kept.data, kept.len, "\xE2\x80\xAE", 3) == NULL || !otp_utf8_valid(rest));
    free(undirected);
    read_line(otp_span_cut(&rest, '\n'));
    /* No form, no header and no command line holds a NUL. */
    if (rest.data == NULL || memchr(rest.data, '\0', rest.len) == NULL) {
        for (size_t i = 0; i < TEXTS; i++) {
            text[i] = rest.data ? otp_span_cut(&rest, '\n') : OTP_SPAN_NONE;
        }
        write_line(text);
    }
    return 0;
}
