#include "core/decide/otp_states.h"


static const otp_transition_t otp_transition_table[] = {
    { OTP_STATE_NO_KEY, OTP_SUBMIT_PASSCODE, OTP_VERDICT_DENIED, OTP_STATE_NO_KEY, "no usable key" },
    { OTP_STATE_NO_KEY, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_DENIED, OTP_STATE_NO_KEY, "no usable key" },
    { OTP_STATE_NO_KEY, OTP_SUBMIT_PIN, OTP_VERDICT_DENIED, OTP_STATE_NO_KEY, "no usable key" },
    { OTP_STATE_NO_KEY, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_OK, OTP_STATE_NO_KEY,
      "the emergency password needs no key" },
    { OTP_STATE_NO_KEY, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_DENIED, OTP_STATE_NO_KEY, "wrong, or there is none" },
    { OTP_STATE_NO_KEY, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_DENIED, OTP_STATE_NO_KEY, "no usable key" },

    { OTP_STATE_FIRST_USE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_PIN_REQUIRED, OTP_STATE_PIN_PAGE, "code in the window" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_NEXT_CODE, OTP_STATE_NEXT_CODE,
      "code in the wide window, or after bad passcodes" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_ALREADY_USED, OTP_STATE_FIRST_USE,
      "spent code, password proven" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_WAIT_NEXT_CODE, OTP_STATE_FIRST_USE,
      "right, and perhaps spent: the code after it" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_DENIED, OTP_STATE_FIRST_USE, "wrong" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "wrong, once too often" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_DENIED, OTP_STATE_FIRST_USE, "no first code is held" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_PIN, OTP_VERDICT_DENIED, OTP_STATE_FIRST_USE, "no PIN page is open" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_OK, OTP_STATE_FIRST_USE, "the emergency password" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_DENIED, OTP_STATE_FIRST_USE, "wrong, or there is none" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_DENIED, OTP_STATE_LOCKED,
      "there is none, and a wrong passcode once too often" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_PIN_REFUSED, OTP_STATE_FIRST_USE, "new PIN refused" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_DENIED, OTP_STATE_FIRST_USE, "there is no PIN yet" },
    { OTP_STATE_FIRST_USE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "wrong, once too often" },

    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PIN, OTP_VERDICT_WAIT_NEXT_CODE, OTP_STATE_READY, "PIN accepted" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PIN, OTP_VERDICT_PIN_REFUSED, OTP_STATE_PIN_PAGE, "PIN refused" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PIN, OTP_VERDICT_DENIED, OTP_STATE_PIN_PAGE, "another browser's PIN page" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_PIN_REQUIRED, OTP_STATE_PIN_PAGE,
      "a later code opens a new PIN page" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_OK, OTP_STATE_READY, "another key of the person" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_NEXT_CODE, OTP_STATE_NEXT_CODE,
      "code in the wide window, or after bad passcodes" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_ALREADY_USED, OTP_STATE_PIN_PAGE,
      "spent code, password proven" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_WAIT_NEXT_CODE, OTP_STATE_PIN_PAGE,
      "right, and perhaps spent: the code after it" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_DENIED, OTP_STATE_PIN_PAGE, "wrong" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "wrong, once too often" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_DENIED, OTP_STATE_PIN_PAGE, "no first code is held" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_OK, OTP_STATE_PIN_PAGE, "the emergency password" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_DENIED, OTP_STATE_PIN_PAGE, "wrong, or there is none" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_DENIED, OTP_STATE_LOCKED,
      "there is none, and a wrong passcode once too often" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_OK, OTP_STATE_PIN_PAGE,
      "old PIN + code in the window, new PIN accepted" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_ALREADY_USED, OTP_STATE_PIN_PAGE,
      "old PIN + spent code" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_PIN_REFUSED, OTP_STATE_PIN_PAGE, "new PIN refused" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_WAIT_NEXT_CODE, OTP_STATE_PIN_PAGE,
      "right, and perhaps spent: the code after it" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_DENIED, OTP_STATE_PIN_PAGE, "wrong" },
    { OTP_STATE_PIN_PAGE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "wrong, once too often" },

    { OTP_STATE_READY, OTP_SUBMIT_PASSCODE, OTP_VERDICT_OK, OTP_STATE_READY, "PIN + code in the window" },
    { OTP_STATE_READY, OTP_SUBMIT_PASSCODE, OTP_VERDICT_NEXT_CODE, OTP_STATE_NEXT_CODE,
      "PIN + code in the wide window, or after bad passcodes" },
    { OTP_STATE_READY, OTP_SUBMIT_PASSCODE, OTP_VERDICT_PIN_REQUIRED, OTP_STATE_PIN_PAGE,
      "another key of the person, without PIN" },
    { OTP_STATE_READY, OTP_SUBMIT_PASSCODE, OTP_VERDICT_ALREADY_USED, OTP_STATE_READY, "PIN + spent code" },
    { OTP_STATE_READY, OTP_SUBMIT_PASSCODE, OTP_VERDICT_WAIT_NEXT_CODE, OTP_STATE_READY,
      "right, and perhaps spent: the code after it" },
    { OTP_STATE_READY, OTP_SUBMIT_PASSCODE, OTP_VERDICT_DENIED, OTP_STATE_READY, "wrong" },
    { OTP_STATE_READY, OTP_SUBMIT_PASSCODE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "wrong, once too often" },
    { OTP_STATE_READY, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_DENIED, OTP_STATE_READY, "no first code is held" },
    { OTP_STATE_READY, OTP_SUBMIT_PIN, OTP_VERDICT_DENIED, OTP_STATE_READY, "no PIN page is open" },
    { OTP_STATE_READY, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_OK, OTP_STATE_READY, "the emergency password" },
    { OTP_STATE_READY, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_DENIED, OTP_STATE_READY, "wrong, or there is none" },
    { OTP_STATE_READY, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_DENIED, OTP_STATE_LOCKED,
      "there is none, and a wrong passcode once too often" },
    { OTP_STATE_READY, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_OK, OTP_STATE_READY,
      "old PIN + code in the window, new PIN accepted" },
    { OTP_STATE_READY, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_ALREADY_USED, OTP_STATE_READY, "old PIN + spent code" },
    { OTP_STATE_READY, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_PIN_REFUSED, OTP_STATE_READY, "new PIN refused" },
    { OTP_STATE_READY, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_WAIT_NEXT_CODE, OTP_STATE_READY,
      "right, and perhaps spent: the code after it" },
    { OTP_STATE_READY, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_DENIED, OTP_STATE_READY, "wrong" },
    { OTP_STATE_READY, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "wrong, once too often" },

    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_OK, OTP_STATE_READY, "the code that follows" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_PIN_REQUIRED, OTP_STATE_PIN_PAGE,
      "the code that follows, at first use" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_ALREADY_USED, OTP_STATE_NEXT_CODE,
      "the first code again" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_WAIT_NEXT_CODE, OTP_STATE_NEXT_CODE,
      "right, and perhaps spent: it takes the place of the first" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_DENIED, OTP_STATE_NEXT_CODE,
      "another browser's first code" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_DENIED, OTP_STATE_READY, "wrong: it starts over" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_DENIED, OTP_STATE_FIRST_USE,
      "wrong at first use: it starts over" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "wrong, once too often" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_NEXT_CODE, OTP_STATE_NEXT_CODE, "a later first code" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_PIN_REQUIRED, OTP_STATE_PIN_PAGE,
      "first use, a later code" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_OK, OTP_STATE_READY, "PIN + a later code in the window" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_ALREADY_USED, OTP_STATE_NEXT_CODE, "PIN + spent code" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_WAIT_NEXT_CODE, OTP_STATE_NEXT_CODE,
      "right, and perhaps spent: the code after it" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_DENIED, OTP_STATE_NEXT_CODE, "wrong" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PASSCODE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "wrong, once too often" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PIN, OTP_VERDICT_DENIED, OTP_STATE_NEXT_CODE, "no PIN page is open" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_OK, OTP_STATE_NEXT_CODE, "the emergency password" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_DENIED, OTP_STATE_NEXT_CODE, "wrong, or there is none" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_DENIED, OTP_STATE_LOCKED,
      "there is none, and a wrong passcode once too often" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_OK, OTP_STATE_NEXT_CODE,
      "old PIN + code in the window, new PIN accepted" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_ALREADY_USED, OTP_STATE_NEXT_CODE,
      "old PIN + spent code" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_PIN_REFUSED, OTP_STATE_NEXT_CODE, "new PIN refused" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_WAIT_NEXT_CODE, OTP_STATE_NEXT_CODE,
      "right, and perhaps spent: the code after it" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_DENIED, OTP_STATE_NEXT_CODE, "wrong" },
    { OTP_STATE_NEXT_CODE, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "wrong, once too often" },

    { OTP_STATE_LOCKED, OTP_SUBMIT_PASSCODE, OTP_VERDICT_THROTTLED, OTP_STATE_LOCKED,
      "who proved the first factor is told" },
    { OTP_STATE_LOCKED, OTP_SUBMIT_PASSCODE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "anybody else is not" },
    { OTP_STATE_LOCKED, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_THROTTLED, OTP_STATE_LOCKED,
      "who proved the first factor is told" },
    { OTP_STATE_LOCKED, OTP_SUBMIT_NEXT_CODE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "anybody else is not" },
    { OTP_STATE_LOCKED, OTP_SUBMIT_PIN, OTP_VERDICT_THROTTLED, OTP_STATE_LOCKED,
      "who proved the first factor is told" },
    { OTP_STATE_LOCKED, OTP_SUBMIT_PIN, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "anybody else is not" },
    { OTP_STATE_LOCKED, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_OK, OTP_STATE_LOCKED,
      "the emergency password works while passcodes are locked" },
    { OTP_STATE_LOCKED, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_DENIED, OTP_STATE_LOCKED,
      "wrong, or nobody who proved the first factor" },
    { OTP_STATE_LOCKED, OTP_SUBMIT_EMERGENCY, OTP_VERDICT_THROTTLED, OTP_STATE_LOCKED, "there is none" },
    { OTP_STATE_LOCKED, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_THROTTLED, OTP_STATE_LOCKED,
      "who proved the first factor is told" },
    { OTP_STATE_LOCKED, OTP_SUBMIT_PIN_CHANGE, OTP_VERDICT_DENIED, OTP_STATE_LOCKED, "anybody else is not" },
};


const otp_transition_t *otp_transitions(size_t *count)
{
    *count = sizeof(otp_transition_table) / sizeof(otp_transition_table[0]);
    return otp_transition_table;
}


const char *otp_state_name(otp_state_t state)
{
    static const char *const names[OTP_STATES] = {
        [OTP_STATE_NO_KEY] = "no_key", [OTP_STATE_FIRST_USE] = "first_use", [OTP_STATE_PIN_PAGE] = "pin_page",
        [OTP_STATE_READY] = "ready", [OTP_STATE_NEXT_CODE] = "next_code", [OTP_STATE_LOCKED] = "locked",
    };

    return names[state];
}


const char *otp_submission_name(otp_submission_t submission)
{
    static const char *const names[OTP_SUBMISSIONS] = {
        [OTP_SUBMIT_PASSCODE] = "passcode", [OTP_SUBMIT_NEXT_CODE] = "next_code", [OTP_SUBMIT_PIN] = "pin",
        [OTP_SUBMIT_EMERGENCY] = "emergency", [OTP_SUBMIT_PIN_CHANGE] = "pin_change",
    };

    return names[submission];
}


const char *otp_verdict_name(otp_verdict_t verdict)
{
    static const char *const names[OTP_VERDICTS] = {
        [OTP_VERDICT_OK] = "ok", [OTP_VERDICT_PIN_REQUIRED] = "pin_required", [OTP_VERDICT_NEXT_CODE] = "next_code",
        [OTP_VERDICT_WAIT_NEXT_CODE] = "wait_next_code", [OTP_VERDICT_PIN_REFUSED] = "pin_refused",
        [OTP_VERDICT_DENIED] = "denied", [OTP_VERDICT_ALREADY_USED] = "already_used",
        [OTP_VERDICT_THROTTLED] = "throttled",
    };

    return names[verdict];
}


bool otp_key_usable(const otp_key_t *key)
{
    return key->state == OTP_KEY_USABLE;
}


otp_state_t otp_account_state(const otp_account_t *account, const otp_limits_t *limits, otp_guesser_t guesser,
    int64_t now_s)
{
    bool                 usable = false;
    const otp_guesses_t *guesses = guesser == OTP_GUESSER_KNOWN      ? &account->known
                                   : guesser == OTP_GUESSER_UNPROVEN ? &account->unproven : &account->unknown;

    for (size_t i = 0; i < account->keys; i++) {
        usable |= otp_key_usable(&account->key[i]);
    }

    if (!usable) {
        return OTP_STATE_NO_KEY;
    }

    if (guesses->locked_until > now_s || guesses->failures >= limits->lock_total) {
        return OTP_STATE_LOCKED;
    }

    if (account->pending.kind != OTP_PENDING_NONE && account->pending.until >= now_s) {
        return account->pending.kind == OTP_PENDING_PIN ? OTP_STATE_PIN_PAGE : OTP_STATE_NEXT_CODE;
    }

    return otp_account_has_pin(account) ? OTP_STATE_READY : OTP_STATE_FIRST_USE;
}


bool otp_transition_legal(otp_state_t state, otp_submission_t submission, otp_verdict_t verdict, otp_state_t next)
{
    size_t                  count;
    const otp_transition_t *row = otp_transitions(&count);

    for (size_t i = 0; i < count; i++) {
        if (row[i].state == state && row[i].submission == submission && row[i].verdict == verdict
            && row[i].next == next)
        {
            return true;
        }
    }

    return false;
}
