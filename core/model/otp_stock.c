#include "core/model/otp_stock.h"

#include <string.h>

#include "core/model/otp_json.h"
#include "core/model/otp_record.h"


otp_status_t otp_stock_write(otp_keyring_t *ring, otp_span_t name, const otp_stock_t *stock, char *record, size_t size,
    size_t *len)
{
    char         body[OTP_STOCK_MAX];
    size_t       body_len;
    otp_status_t status;

    status = otp_json_write(json_pack("{s:i, s:s, s:s, s:I, s:s, s:o}", "v", 1, "uid", stock->uid, "wanted",
                                      stock->wanted, "wanted_at", (json_int_t) stock->wanted_at, "batch", stock->batch,
                                      "key", otp_key_to_json(&stock->key)),
                            body, sizeof(body), &body_len);
    if (status != OTP_OK) {
        return status;
    }

    return otp_record_write(ring, name, (otp_span_t) { body, body_len }, record, size, len);
}


otp_status_t otp_stock_read(otp_keyring_t *ring, otp_span_t name, otp_span_t record, otp_stock_t *stock)
{
    int64_t      version;
    otp_span_t   body;
    otp_status_t status;
    json_t      *object;

    memset(stock, 0, sizeof(*stock));
    status = otp_record_read(ring, name, record, &body);
    if (status != OTP_OK) {
        return status;
    }

    object = otp_json_object(body);
    status = OTP_INVALID;
    if (otp_json_number(object, "v", 1, 1, &version)
        && otp_json_text(object, "uid", false, stock->uid, sizeof(stock->uid))
        && otp_json_text(object, "wanted", false, stock->wanted, sizeof(stock->wanted))
        && otp_json_number(object, "wanted_at", 0, (int64_t) 1 << 40, &stock->wanted_at)
        && otp_json_text(object, "batch", false, stock->batch, sizeof(stock->batch)))
    {
        status = otp_key_from_json(json_object_get(object, "key"), &stock->key);
    }
    json_decref(object);

    return status;
}
