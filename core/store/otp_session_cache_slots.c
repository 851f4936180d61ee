/* What the slots of a session hold. */
#include <string.h>

#include "core/store/otp_session_cache_private.h"

static void otp_cache_write(otp_session_cache_t *cache, uint32_t index, const char *text, size_t len)
{
    size_t    part = len < OTP_CACHE_TEXT ? len : OTP_CACHE_TEXT;
    uint32_t *more = &cache->slot[index].link.more;

    memcpy(cache->slot[index].first.text, text, part);
    *more = OTP_CACHE_NONE;
    for (size_t done = part; done < len; done += part) {
        uint32_t          next = otp_cache_take(cache);
        otp_cache_more_t *slot = &cache->slot[next].more;

        part = len - done < OTP_CACHE_MORE ? len - done : OTP_CACHE_MORE;
        memcpy(slot->text, text + done, part);
        slot->link.more = OTP_CACHE_NONE;
        *more = next;
        more = &slot->link.more;
    }
}


void otp_cache_fill(otp_session_cache_t *cache, uint32_t index, const uint8_t digest[OTP_DIGEST_LEN],
    const otp_session_t *session, const char *text)
{
    otp_cache_first_t *slot = &cache->slot[index].first;
    otp_span_t         span[OTP_SESSION_TEXTS];

    memcpy(slot->digest, digest, OTP_DIGEST_LEN);
    slot->tag = (otp_siphash_t) { 0, 0 };
    slot->level = (uint8_t) session->level;
    slot->method = (uint8_t) session->method;
    slot->password_proven = session->password_proven;
    slot->created = session->created;
    slot->auth_time = session->auth_time;
    slot->otp_time = session->otp_time;
    slot->expires = session->expires;
    slot->idle_s = session->idle_s;
    otp_session_texts(session, span);
    for (size_t i = 0; i < OTP_SESSION_TEXTS; i++) {
        slot->len[i] = (uint16_t) span[i].len;
    }
    slot->text_len = (uint16_t) otp_session_text_size(session);
    otp_cache_write(cache, index, text, slot->text_len);
}


static void otp_cache_copy(const otp_session_cache_t *cache, const otp_cache_first_t *slot, char *text)
{
    size_t   len = slot->text_len, part = len < OTP_CACHE_TEXT ? len : OTP_CACHE_TEXT;
    uint32_t more = slot->link.more;

    memcpy(text, slot->text, part);
    for (size_t done = part; done < len; done += part) {
        const otp_cache_more_t *next = &cache->slot[more].more;

        part = len - done < OTP_CACHE_MORE ? len - done : OTP_CACHE_MORE;
        memcpy(text + done, next->text, part);
        more = next->link.more;
    }
}


void otp_session_cache_read(const otp_session_cache_t *cache, char *text, otp_session_t *session)
{
    const otp_cache_first_t *slot = &cache->slot[cache->found].first;
    otp_span_t              span[OTP_SESSION_TEXTS];

    otp_cache_copy(cache, slot, text);
    for (size_t i = 0; i < OTP_SESSION_TEXTS; i++) {
        span[i] = (otp_span_t) { text, slot->len[i] };
        text += slot->len[i] + 1;
    }
    *session = (otp_session_t) {
        .level = (otp_level_t) slot->level, .method = (otp_auth_t) slot->method,
        .password_proven = slot->password_proven, .created = slot->created, .auth_time = slot->auth_time,
        .otp_time = slot->otp_time, .expires = slot->expires, .idle_s = slot->idle_s
    };
    otp_session_set_texts(session, span);
}
