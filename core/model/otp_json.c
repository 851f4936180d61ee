#include "core/model/otp_json.h"

#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/base/otp_encode.h"


bool otp_json_text(const json_t *object, const char *member, bool optional, char *text, size_t size)
{
    const json_t *value = json_object_get(object, member);
    size_t        len;

    if (size == 0) {
        return false;
    }

    if (value == NULL && optional) {
        text[0] = '\0';
        return true;
    }

    len = json_string_length(value);
    if (!json_is_string(value) || len >= size) {
        return false;
    }

    memcpy(text, json_string_value(value), len + 1);
    return strlen(text) == len;
}


bool otp_json_number(const json_t *object, const char *member, int64_t min, int64_t max, int64_t *number)
{
    const json_t *value = json_object_get(object, member);

    if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max) {
        return false;
    }

    *number = json_integer_value(value);
    return true;
}


bool otp_json_bytes(const json_t *object, const char *member, uint8_t *bytes, size_t len)
{
    const json_t *value = json_object_get(object, member);
    size_t        found;

    if (!json_is_string(value)) {
        return false;
    }

    return otp_base64url_decode((otp_span_t) { json_string_value(value), json_string_length(value) }, bytes, len,
                                &found) == OTP_OK
           && found == len;
}


json_t *otp_json_of_bytes(const uint8_t *bytes, size_t len)
{
    char         text[128];
    otp_buffer_t out;
    otp_span_t   span;

    otp_buffer_init(&out, text, sizeof(text));
    otp_buffer_add_base64url(&out, bytes, len);
    span = otp_buffer_span(&out);

    return span.data == NULL ? NULL : json_stringn(span.data, span.len);
}


json_t *otp_json_object(otp_span_t text)
{
    json_t *object;

    if (text.len == 0) {
        return NULL;
    }

    object = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return NULL;
    }

    return object;
}


otp_status_t otp_json_write(json_t *object, char *text, size_t size, size_t *len)
{
    size_t needed;

    if (object == NULL) {
        return OTP_FAILED;
    }

    needed = json_dumpb(object, text, size, JSON_COMPACT);
    json_decref(object);
    *len = needed;

    if (needed == 0) {
        return OTP_FAILED;
    }

    return needed > size ? OTP_NO_ROOM : OTP_OK;
}


bool otp_json_set_span(json_t *object, const char *member, otp_span_t value)
{
    if (value.len == 0) {
        return true;
    }

    return json_object_set_new(object, member, json_stringn(value.data, value.len)) == 0;
}
