#include "core/portal/otp_flow_private.h"

/* What a gateway knows of spent codes that the record may not: the floor, and the memory of its own.  An invented
 * account is asked about too, which takes its time; nothing is remembered of it. */


void otp_attempt_recall(otp_flow_t *flow)
{
    otp_attempt_t       *attempt = &flow->attempt;
    const otp_account_t *account = &attempt->account;
    const otp_spent_t   *spent = flow->request->spent;

    attempt->submitted.floor_s = flow->request->floor_s;
    for (size_t i = 0; i < account->keys; i++) {
        attempt->submitted.remembered[i] = spent != NULL ? otp_spent_get(spent, &account->key[i]) : 0;
    }
}


bool otp_attempt_unsure(const otp_flow_t *flow)
{
    const otp_attempt_t *attempt = &flow->attempt;

    return attempt->decision.verdict == OTP_VERDICT_WAIT_NEXT_CODE && !attempt->decision.changed && !attempt->sure;
}


bool otp_attempt_spend(otp_flow_t *flow)
{
    const otp_attempt_t *attempt = &flow->attempt;
    const otp_request_t *request = flow->request;
    bool                 first = true;

    for (size_t i = 0; i < attempt->next.keys && request->spent != NULL && !attempt->decoy; i++) {
        if (attempt->next.key[i].step > attempt->account.key[i].step) {
            first &= otp_spent_put(request->spent, &attempt->next.key[i], attempt->next.key[i].step, flow->now_s);
        }
    }

    return first && request->floor_s == attempt->submitted.floor_s;
}
