#include "core/model/otp_pending.h"

#include <string.h>

#include "core/model/otp_json.h"
#include "core/model/otp_record.h"

#define OTP_TIME_LIMIT ((int64_t) 1 << 40)


otp_status_t otp_pending_write(otp_keyring_t *ring, otp_span_t name, const otp_pending_t *pending, char *record,
    size_t size, size_t *len)
{
    char         body[OTP_PENDING_MAX];
    size_t       body_len;
    otp_status_t status;

    status = otp_json_write(json_pack("{s:i, s:i, s:s, s:s, s:I, s:I, s:s}", "v", 1, "stage", (int) pending->stage,
                                      "uid", pending->uid, "id", pending->id, "until", (json_int_t) pending->until,
                                      "display", (json_int_t) pending->display_changes, "rd", pending->rd),
                            body, sizeof(body), &body_len);
    if (status != OTP_OK) {
        return status;
    }

    return otp_record_write(ring, name, (otp_span_t) { body, body_len }, record, size, len);
}


OTP_MUST_USE static bool otp_pending_from_json(const json_t *object, otp_pending_t *pending)
{
    int64_t version, stage;

    if (!otp_json_number(object, "v", 1, 1, &version)
        || !otp_json_number(object, "stage", OTP_STAGE_PIN, OTP_STAGE_WAIT_NEXT_CODE, &stage))
    {
        return false;
    }

    pending->stage = (otp_stage_t) stage;
    return otp_json_text(object, "uid", false, pending->uid, sizeof(pending->uid))
           && otp_json_text(object, "id", false, pending->id, sizeof(pending->id))
           && otp_json_number(object, "until", 0, OTP_TIME_LIMIT, &pending->until)
           && otp_json_number(object, "display", 0, OTP_TIME_LIMIT, &pending->display_changes)
           && otp_json_text(object, "rd", false, pending->rd, sizeof(pending->rd));
}


otp_status_t otp_pending_read(otp_keyring_t *ring, otp_span_t name, otp_span_t record, otp_pending_t *pending)
{
    otp_span_t   body;
    otp_status_t status;
    json_t      *object;

    memset(pending, 0, sizeof(*pending));
    status = otp_record_read(ring, name, record, &body);
    if (status != OTP_OK) {
        return status;
    }

    object = otp_json_object(body);
    status = otp_pending_from_json(object, pending) ? OTP_OK : OTP_INVALID;
    json_decref(object);

    return status;
}
