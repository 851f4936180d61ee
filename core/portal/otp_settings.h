/*
 * What the operator configured, as the core needs it.  Filled by the module (one a location) and by
 * otpctl; everything pointed to outlives every flow.
 */
#ifndef OTP_SETTINGS_H
#define OTP_SETTINGS_H

#include "core/crypto/otp_keyring.h"
#include "core/model/otp_level.h"
#include "core/decide/otp_limits.h"
#include "core/decide/otp_zone.h"
#include "core/page/otp_pages.h"

#define OTP_LANGUAGES_MAX   8

typedef struct {
    otp_span_t  name;           /* UTF-8, shown */
    otp_span_t  location;       /* URI or URL */
    otp_level_t level;
    otp_span_t  group;          /* empty: everyone */
    otp_span_t  text;           /* shown under the name */
} otp_application_t;

/* `otp_helpdesk group=G [scope=G2,G3] [agents=on]`: who may act on whose accounts. */
typedef struct {
    otp_span_t group;
    otp_span_t scope;           /* comma-separated; empty: everybody */
    bool       agents;          /* on accounts of other agents too */
} otp_helpdesk_t;

typedef struct {
    otp_keyring_t           *ring;
    otp_span_t               prefix;            /* of every Redis key, "otp:" */
    otp_span_t               portal;            /* path of the portal, with the final slash: "/otp/" */
    otp_limits_t             limits;
    bool                     first_use_needs_password;
    bool                     people_known;      /* a directory is configured: people must be in it */
    int64_t                  idle_s, lifetime_s;
    otp_span_t               cookie_name;       /* complete: "__Host-otp" */
    otp_span_t               cookie_domain;     /* empty: none */
    otp_span_t               cookie_samesite;   /* "Lax" */
    bool                     cookie_secure;
    const otp_span_t        *redirect_hosts;    /* lower case; host or host:port */
    size_t                   redirect_hosts_n;
    const otp_application_t *applications;
    size_t                   applications_n;
    const otp_helpdesk_t    *helpdesk;          /* whoever is in one of the groups is an agent */
    size_t                   helpdesks;
    bool                     activation_automatic;
    const otp_zone_t        *zone;              /* of the site */
    otp_span_t               events_kept;       /* decimal text: events a stream keeps, about */
    otp_span_t               support_email, support_phone, support_hours;
    const otp_pages_t       *pages;             /* templates of every language */
    otp_span_t               language[OTP_LANGUAGES_MAX];   /* first: default */
    size_t                   languages;
} otp_settings_t;

#endif
