#include "core/decide/otp_deciding.h"

#include <string.h>


void otp_decide_concern(otp_deciding_t *d, const otp_key_t *key)
{
    memcpy(d->out->serial, key->serial, sizeof(d->out->serial));
}


bool otp_decide_holds_pending(const otp_deciding_t *d)
{
    otp_span_t id = otp_span_of(d->next->pending.id);

    return id.len != 0 && d->in->pending_id.len == id.len && d->next->pending.until >= d->in->now_s
           && otp_secret_equal(id.data, d->in->pending_id.data, id.len);
}
