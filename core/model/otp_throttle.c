#include "core/model/otp_throttle.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/model/otp_record.h"


otp_span_t otp_throttle_address(otp_span_t address, char id[OTP_THROTTLE_ADDRESS_MAX])
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct in6_addr      bits;
    size_t               len = address.len < OTP_THROTTLE_ADDRESS_MAX ? address.len : OTP_THROTTLE_ADDRESS_MAX - 1;
    otp_buffer_t         out;

    memset(id, 0, OTP_THROTTLE_ADDRESS_MAX);
    if (len != 0) {
        memcpy(id, address.data, len);
    }

    if (inet_pton(AF_INET6, id, &bits) != 1 || memcmp(bits.s6_addr, mapped, sizeof(mapped)) == 0) {
        return (otp_span_t) { id, len };
    }

    otp_buffer_init(&out, id, OTP_THROTTLE_ADDRESS_MAX);
    otp_buffer_add_hex(&out, bits.s6_addr, 8);
    otp_buffer_add_text(&out, "/64");

    return otp_buffer_span(&out);
}


otp_status_t otp_throttle_write(otp_keyring_t *ring, otp_span_t name, const otp_throttle_t *throttle, char *record,
    size_t size, size_t *len)
{
    char         body[64];
    otp_buffer_t out;

    otp_buffer_init(&out, body, sizeof(body));
    otp_buffer_add_number(&out, throttle->failures);
    otp_buffer_add_char(&out, ',');
    otp_buffer_add_number(&out, throttle->last);
    otp_buffer_add_char(&out, ',');
    otp_buffer_add_number(&out, throttle->next);

    return otp_record_write(ring, name, otp_buffer_span(&out), record, size, len);
}


otp_status_t otp_throttle_read(otp_keyring_t *ring, otp_span_t name, otp_span_t record, otp_throttle_t *throttle)
{
    otp_span_t   rest;
    otp_status_t status;

    memset(throttle, 0, sizeof(*throttle));
    if (record.len == 0) {
        return OTP_OK;
    }

    status = otp_record_read(ring, name, record, &rest);
    if (status != OTP_OK) {
        return status;
    }

    if (otp_span_number(otp_span_cut(&rest, ','), &throttle->failures) != OTP_OK
        || otp_span_number(otp_span_cut(&rest, ','), &throttle->last) != OTP_OK
        || otp_span_number(rest, &throttle->next) != OTP_OK)
    {
        return OTP_INVALID;
    }

    return OTP_OK;
}


int64_t otp_throttle_wait(const otp_throttle_t *throttle, int64_t now_s)
{
    return throttle->next > now_s ? throttle->next - now_s : 0;
}


/* What is left of a time span stays: attempts that follow each other quickly do not stop the forgetting. */
static void otp_throttle_forget(otp_throttle_t *throttle, int64_t forget_s, int64_t now_s)
{
    int64_t spans = now_s > throttle->last ? (now_s - throttle->last) / forget_s : 0;

    if (spans >= throttle->failures) {
        throttle->failures = 0;
        throttle->last = now_s;
        return;
    }

    throttle->failures -= spans;
    throttle->last += spans * forget_s;
}


void otp_throttle_count(otp_throttle_t *throttle, int64_t free, int64_t delay_max_s, int64_t forget_s, int64_t now_s)
{
    int64_t delay = 1;

    if (forget_s > 0) {
        otp_throttle_forget(throttle, forget_s, now_s);
    } else {
        throttle->last = now_s;
    }

    throttle->failures++;
    if (throttle->failures <= free) {
        throttle->next = 0;
        return;
    }

    for (int64_t i = free + 1; i < throttle->failures && delay < delay_max_s; i++) {
        delay *= 2;
    }
    throttle->next = now_s + (delay < delay_max_s ? delay : delay_max_s);
}


void otp_throttle_release(otp_throttle_t *throttle)
{
    if (throttle->failures > 0) {
        throttle->failures--;
    }
    throttle->next = 0;
}
