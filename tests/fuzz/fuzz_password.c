#include "core/people/otp_password.h"
#include "core/people/otp_password_index.h"
#include "core/people/otp_people_search.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* First line: what is searched for.  The rest: a password file. */

static void inside(otp_span_t part, otp_span_t text)
{
    FUZZ_REQUIRE(part.len == 0 || (part.data >= text.data && part.data + part.len <= text.data + text.len));
}


static void person_inside(const otp_person_t *person, otp_span_t text)
{
    inside(person->uid, text);
    inside(person->name, text);
    inside(person->email, text);
    inside(person->groups, text);
}


/* The index finds whom reading line by line finds: the first with this identifier. */
static void find(const otp_password_index_t *index, otp_span_t text, otp_span_t uid)
{
    otp_person_t found = { .uid = OTP_SPAN_NONE }, person;
    otp_span_t   rest = text, hash, line, line_hash;
    char         canonical[OTP_UID_LEN];
    size_t       len;
    bool         is = otp_password_index_find(index, uid, &found, &hash);

    while (otp_password_line(&rest, &line)) {
        otp_password_read(line, &person, &line_hash);
        if (otp_uid_canonical(person.uid, canonical, &len) == OTP_OK
            && otp_span_equal((otp_span_t) { canonical, len }, uid))
        {
            FUZZ_REQUIRE(is && found.uid.data == person.uid.data && hash.data == line_hash.data);
            FUZZ_REQUIRE(hash.len == line_hash.len && found.groups.len == person.groups.len);
            return;
        }
    }
    FUZZ_REQUIRE(!is && found.uid.data == NULL);
}


static void search(otp_span_t text, otp_span_t query)
{
    otp_person_t found[8];
    bool         more = false;
    size_t       n = otp_people_search(text, query, OTP_SPAN_NONE, found, 8, &more);

    FUZZ_REQUIRE(n <= 8 && (!more || n == 8));
    for (size_t i = 0; i < n; i++) {
        person_inside(&found[i], text);
        FUZZ_REQUIRE(found[i].uid.len > 0);
        for (size_t j = 0; j < i; j++) {
            FUZZ_REQUIRE(!otp_span_equal_nocase(found[i].uid, found[j].uid));
        }
    }
    /* Kept to a group, nobody else appears. */
    FUZZ_REQUIRE(otp_people_search(text, query, OTP_SPAN("staff"), found, 8, &more) <= 8);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t            text = { (const char *) data, size }, query = otp_span_cut(&text, '\n'), rest, line, hash;
    otp_password_index_t *index;
    otp_person_t          person;
    char                  uid[OTP_UID_LEN];
    size_t                len;
    unsigned              looked = 0;

    if (text.data == NULL) {
        return 0;
    }
    index = otp_password_index_create(text);
    FUZZ_REQUIRE(index != NULL);
    rest = text;
    while (otp_password_line(&rest, &line) && looked++ < 32) {
        otp_password_read(line, &person, &hash);
        person_inside(&person, text);
        inside(hash, text);
        if (otp_uid_canonical(person.uid, uid, &len) == OTP_OK) {
            FUZZ_ACCEPTED();
            find(index, text, (otp_span_t) { uid, len });
        }
    }
    if (otp_uid_canonical(query, uid, &len) == OTP_OK) {
        find(index, text, (otp_span_t) { uid, len });
    }
    FUZZ_REQUIRE(otp_password_acceptable(otp_password_index_decoy(index, query)));
    search(text, query);
    otp_password_index_destroy(index);
    return 0;
}
