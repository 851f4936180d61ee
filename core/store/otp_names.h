/*
 * Names of what is kept in Redis.  The part in braces is the Cluster hash tag: a record and the stream
 * its events go to share one of 16 tags, so that compare-and-set and event are one step there too.
 *
 *     PREFIX acct:{T}:UID      account record          PREFIX sess:{H}   session record
 *     PREFIX key:{T}:SERIAL    stock record            PREFIX seen:{H}   last-seen mark
 *     PREFIX user:{T}:UID      sessions of a person    PREFIX pend:{H}   pending state of a browser
 *     PREFIX thru:{T}:DIGEST   throttle of a person    PREFIX once:{T}:NONCE   answer kept for a repeated form
 *     PREFIX thra:{T}:ADDRESS  throttle of an address  PREFIX events:{T} stream of events
 *                              (IPv6: of a /64)
 *     PREFIX deco:{T}:DIGEST   account of an unknown person, for seconds: deciding costs the same
 *     PREFIX hist:{T}:UID      stream: a person's own last events, for the person and the helpdesk
 *     PREFIX mail:{T}          stream: mail that is due
 *     PREFIX mailfail:{T}      stream: mail that was given up
 *     PREFIX wait:{T}          sorted set: serials whose activation waits for the helpdesk, by time asked
 *     PREFIX master:{T}        run_id of the master, blank, unix seconds since when; 0: there was none before.
 *                              Outside Cluster of tag 0; there, a master has the tags that are its own
 */
#ifndef OTP_NAMES_H
#define OTP_NAMES_H

#include "core/base/otp_span.h"

#define OTP_NAME_MAX    256     /* bytes of a Redis key; a prefix has at most 64 */
#define OTP_TAGS        16
#define OTP_EVENTS_KEPT "100000"    /* events a stream keeps, about, unless otp_audit_retention says otherwise */
#define OTP_EVENTS_ALL  "9000000000000000000"   /* who adds with this trims nothing: that is the gateways' work */
#define OTP_HISTORY_KEPT "50"       /* events of a person's own stream, about */
#define OTP_HISTORY_KEPT_S "34560000"   /* seconds it stays after the last of them: 400 days */

typedef struct {
    char   data[OTP_NAME_MAX];
    size_t len;
} otp_name_t;

typedef enum {
    OTP_NAME_ACCOUNT, OTP_NAME_STOCK, OTP_NAME_USER_SESSIONS, OTP_NAME_THROTTLE_USER, OTP_NAME_THROTTLE_ADDRESS,
    OTP_NAME_ONCE, OTP_NAME_DECOY, OTP_NAME_HISTORY
} otp_name_kind_t;

otp_span_t otp_name_span(const otp_name_t *name);

/* The name of `id` (a uid, serial, digest…: at most 128 bytes). */
void otp_name_of(otp_name_t *name, otp_name_kind_t kind, otp_span_t prefix, otp_span_t id);
/* The stream that events about `id` go to. */
void otp_name_events(otp_name_t *name, otp_span_t prefix, otp_span_t id);
/* The outbox that mail about `id` goes to; the set that the serial `id` waits in. */
void otp_name_mail(otp_name_t *name, otp_span_t prefix, otp_span_t id);
void otp_name_waiting(otp_name_t *name, otp_span_t prefix, otp_span_t id);
/* The ones of tag 0..15, for readers of all of them. */
void otp_name_events_tag(otp_name_t *name, otp_span_t prefix, unsigned tag);
void otp_name_mail_tag(otp_name_t *name, otp_span_t prefix, unsigned tag);
void otp_name_mail_failed_tag(otp_name_t *name, otp_span_t prefix, unsigned tag);
void otp_name_waiting_tag(otp_name_t *name, otp_span_t prefix, unsigned tag);
void otp_name_master_tag(otp_name_t *name, otp_span_t prefix, unsigned tag);
/* What the names of session records begin with: PREFIX sess: */
void otp_name_sessions(otp_name_t *name, otp_span_t prefix);
/* `what`: "sess", "seen" or "pend"; `digest`: hex SHA-256 of the cookie. */
void otp_name_cookie(otp_name_t *name, otp_span_t prefix, const char *what, otp_span_t digest);

#endif
