/* One question about people, answered: in a thread of the process that checks passwords. */
#include "core/people/otp_password.h"
#include "ngx_http_otp_module/ngx_http_otp_process.h"


/* A field longer than its place is left out: half a name would be another person's. */
static void ngx_http_otp_process_copy(otp_span_t from, char *to, size_t size, size_t *len)
{
    *len = 0;
    if (from.len <= size && from.len != 0) {
        ngx_memcpy(to, from.data, from.len);
        *len = from.len;
    }
}


static void ngx_http_otp_process_known(otp_person_result_t *result, const otp_person_t *person)
{
    result->verdict = OTP_PERSON_MATCHES;
    ngx_http_otp_process_copy(person->name, result->name, sizeof(result->name), &result->name_len);
    ngx_http_otp_process_copy(person->email, result->email, sizeof(result->email), &result->email_len);
    ngx_http_otp_process_copy(person->groups, result->groups, sizeof(result->groups), &result->groups_len);
}


/* An unknown person costs the hash that a known one costs. */
static void ngx_http_otp_process_check(ngx_http_otp_slot_t *slot, ngx_http_otp_hasher_t *hasher,
    const otp_password_index_t *index)
{
    const ngx_http_otp_question_t *question = &slot->question;
    otp_span_t                     uid = { question->uid, question->uid_len };
    otp_span_t                     password = { question->password, question->password_len };
    otp_span_t                     hash;
    otp_person_t                   person;
    bool                           found = otp_password_index_find(index, uid, &person, &hash);
    bool                           matches = true;

    if (question->checks) {
        otp_span_t decoy = otp_password_index_decoy(index, uid);

        if (!found || !otp_password_acceptable(hash)) {
            found = false;
            hash = decoy;
        }

        matches = ngx_http_otp_hasher_matches(hasher, password, hash);
    }

    slot->result.verdict = OTP_PERSON_REFUSED;
    if (found && matches) {
        ngx_http_otp_process_known(&slot->result, &person);
    }
}


static void ngx_http_otp_process_text(otp_span_t from, char *to, size_t size)
{
    size_t len;

    ngx_http_otp_process_copy(from, to, size - 1, &len);
    to[len] = '\0';
}


static void ngx_http_otp_process_search(ngx_http_otp_slot_t *slot, otp_span_t text)
{
    const ngx_http_otp_question_t *question = &slot->question;
    otp_person_result_t           *result = &slot->result;
    otp_person_t                   person[OTP_PEOPLE_FOUND];
    size_t                         len;

    result->verdict = OTP_PERSON_MATCHES;
    result->founds = otp_people_search(text, (otp_span_t) { question->search, question->search_len },
        (otp_span_t) { question->groups, question->groups_len }, person, OTP_PEOPLE_FOUND, &result->more);

    for (size_t i = 0; i < result->founds; i++) {
        otp_person_found_t *found = &result->found[i];

        if (otp_uid_canonical(person[i].uid, found->uid, &len) != OTP_OK) {
            len = 0;
        }

        found->uid[len] = '\0';
        ngx_http_otp_process_text(person[i].name, found->name, sizeof(found->name));
        ngx_http_otp_process_text(person[i].email, found->email, sizeof(found->email));
        ngx_http_otp_process_text(person[i].groups, found->groups, sizeof(found->groups));
    }
}


void ngx_http_otp_process_answer(ngx_http_otp_slot_t *slot, ngx_http_otp_hasher_t *hasher)
{
    ngx_http_otp_people_t *people = slot->question.people;
    ngx_http_otp_text_t   *text = ngx_http_otp_people_take(people);

    if (text == NULL) {
        slot->result.verdict = OTP_PERSON_UNAVAILABLE;

    } else {
        if (slot->question.searches) {
            ngx_http_otp_process_search(slot, (otp_span_t) { text->data, text->len });
        } else {
            ngx_http_otp_process_check(slot, hasher, text->index);
        }

        ngx_http_otp_people_give(people, text);
    }

    otp_secret_wipe(slot->question.password, slot->question.password_len);
}
