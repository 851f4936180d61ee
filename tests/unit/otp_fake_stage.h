/*
 * Test support: what most files of flow tests begin with.  One world, one or two browsers in it; the pages they get;
 * a request that fails at each of its commands.
 */
#ifndef OTP_FAKE_STAGE_H
#define OTP_FAKE_STAGE_H

#include "otp_fake_driver.h"

extern otp_fake_world_t   world;
extern otp_fake_browser_t browser, other;

/* Around each test. */
int open_stage(void **state);
int close_stage(void **state);

/* Whether these words are in the last answer. */
bool page_holds(const char *words);
/* As a browser does that wants pages. */
const otp_fake_answer_t *get_page_as(otp_fake_browser_t *who, const char *target);
const otp_fake_answer_t *send_page_as(otp_fake_browser_t *who, const char *target, const char *fields);

/* Whether the last answer leads to `where`, below the portal, and proves that something was done. */
bool leads_to(const char *where);
/* The page that the last answer leads to. */
const otp_fake_answer_t *follow_as(otp_fake_browser_t *who);
/* The value of the hidden field of the last page, "" when it has none; into memory that the next call reuses. */
const char *hidden(const char *name);

/* Paul and hugo, who are agents, and marie have the keys KP, KH and K-1; N-1 is free. */
void fill_desk(void);

/* Somebody asks for the activation of a key of the stock. */
void want(const char *uid, const char *serial);

typedef struct {
    const char *method, *target, *fields;   /* `fields` NULL: no form */
} otp_fake_asked_t;

/* Looks at the answer to a request whose command number `at` has failed, and which else is answered `good`. */
typedef void (*otp_fake_judge_t)(const otp_fake_asked_t *asked, int good, uint64_t at, otp_fault_t fault);

/* Every command of the request fails in every way, each time in the world as it is now, which stays so. */
void fail_everywhere(otp_fake_browser_t *who, const otp_fake_asked_t *asked, const char *body, const char *accept,
    otp_fake_judge_t judge);

#endif
