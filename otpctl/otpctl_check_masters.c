#include <stdio.h>
#include <string.h>

#include "otpctl/otpctl_doctor.h"

#define SENTINELS_LEAST 3       /* with fewer, none may fail: Redis' own advice */

/* Replicas that are there and not only known: "slave0:ip=…,port=…,state=online,offset=…,lag=0". */
static int64_t online(otp_span_t info)
{
    int64_t count = 0;
    char    name[24];

    for (int i = 0; i < 1000; i++) {
        (void) snprintf(name, sizeof(name), "slave%d", i);
        otp_span_t line = otpctl_info(info, name);

        if (!line.data) {
            break;
        }
        count += memmem(line.data, line.len, "state=online", strlen("state=online")) != NULL;
    }
    return count;
}


void otpctl_check_promise(otp_span_t info, int64_t asked, otpctl_check_t *check)
{
    int64_t there = online(info);

    check->name = "replicas=";
    if (there < asked) {
        otpctl_check_say(check, OTPCTL_FAULT, "bring the replicas back (redis-cli info replication), or ask for fewer",
                         "%lld asked for, %lld connected: nobody can sign in, no change is confirmed",
                         (long long) asked, (long long) there);
        return;
    }
    if (there == asked) {
        otpctl_check_say(check, OTPCTL_WARNING, "add a replica, or ask for fewer",
                         "%lld asked for, %lld connected: when one is gone nobody can sign in", (long long) asked,
                         (long long) there);
        return;
    }
    otpctl_check_say(check, OTPCTL_FINE, "", "%lld asked for, %lld connected", (long long) asked, (long long) there);
}


void otpctl_check_cut_off(otp_span_t least, otpctl_check_t *check)
{
    int64_t number;

    check->name = "min-replicas";
    if (otp_span_number(least, &number) != OTP_OK) {
        otpctl_check_say(check, OTPCTL_WARNING, "allow this user CONFIG GET (ACL), at least while doctor looks",
                         "Redis does not tell min-replicas-to-write");
        return;
    }
    if (number == 0) {
        otpctl_check_say(check, OTPCTL_WARNING, "set `min-replicas-to-write 1` in redis.conf of every server",
                         "min-replicas-to-write is 0: a master that is cut off goes on accepting codes, the new one "
                         "accepts the same");
        return;
    }
    otpctl_check_say(check, OTPCTL_FINE, "", "min-replicas-to-write is %lld: a master that is cut off stops writing",
                     (long long) number);
}


void otpctl_check_sentinels(const otpctl_sentinels_t *sentinels, otpctl_check_t *check)
{
    check->name = "sentinel";
    if (sentinels->answer == 0) {
        otpctl_check_say(check, OTPCTL_FAULT, "start them, or correct their addresses and the name of the master",
                         "none of %zu answers: %s", sentinels->asked, sentinels->silent);
    } else if (sentinels->agree < sentinels->answer) {
        otpctl_check_say(check, OTPCTL_FAULT, "look at the network between them; `SENTINEL RESET NAME` on the one that "
                         "is wrong", "they do not agree: %s is the master for some, but %s", sentinels->master,
                         sentinels->differs);
    } else if (sentinels->objection.len) {
        otpctl_check_say(check, OTPCTL_FAULT, "bring the missing Sentinels back: without them no master is replaced",
                         "%.*s", (int) (sentinels->objection.len < 300 ? sentinels->objection.len : 300),
                         sentinels->objection.data);
    } else if (sentinels->answer < sentinels->asked) {
        otpctl_check_say(check, OTPCTL_WARNING, "start it, or correct its address", "%zu of %zu answer: %s",
                         sentinels->answer, sentinels->asked, sentinels->silent);
    } else if (sentinels->known && sentinels->known < SENTINELS_LEAST) {
        otpctl_check_say(check, OTPCTL_WARNING, "have three, on three machines",
                         "%lld watch(es) %s: when one is gone no master is replaced", (long long) sentinels->known,
                         sentinels->master);
    } else if (sentinels->known && sentinels->quorum < 2) {
        otpctl_check_say(check, OTPCTL_WARNING, "`SENTINEL SET NAME quorum 2` on each of them",
                         "the quorum is %lld: one of them that is cut off begins to replace a master that is well",
                         (long long) sentinels->quorum);
    } else if (sentinels->known == 0) {
        otpctl_check_say(check, OTPCTL_WARNING, "allow this user SENTINEL MASTER and SENTINEL CKQUORUM",
                         "%zu answer and agree on %s, but do not tell their quorum", sentinels->answer,
                         sentinels->master);
    } else {
        otpctl_check_say(check, OTPCTL_FINE, "", "%zu of %zu answer and agree on %s; %lld watch it, quorum %lld",
                         sentinels->answer, sentinels->asked, sentinels->master, (long long) sentinels->known,
                         (long long) sentinels->quorum);
    }
}


void otpctl_check_cluster(otp_span_t info, size_t masters, size_t gaps, bool moving, otpctl_check_t *check)
{
    otp_span_t state = otpctl_info(info, "cluster_state");

    check->name = "cluster";
    if (state.len && !otp_span_equal(state, OTP_SPAN("ok"))) {
        otpctl_check_say(check, OTPCTL_FAULT, "see `redis-cli --cluster check`: a master is missing, or slots are",
                         "state %.*s, %zu slot(s) of nobody", (int) state.len, state.data, gaps);
    } else if (gaps) {
        otpctl_check_say(check, OTPCTL_FAULT, "`redis-cli --cluster fix`", "%zu slot(s) belong to nobody", gaps);
    } else if (state.len == 0) {
        otpctl_check_say(check, OTPCTL_WARNING, "allow this user CLUSTER INFO (ACL)",
                         "%zu master(s), all slots; it does not tell its state", masters);
    } else if (moving) {
        otpctl_check_say(check, OTPCTL_WARNING, "let it end, or `redis-cli --cluster fix` when nobody moves any",
                         "%zu master(s), all slots; slots are on their way, changes in them have to wait", masters);
    } else if (masters < 3) {
        otpctl_check_say(check, OTPCTL_WARNING, "have three masters or more, on three machines",
                         "%zu master(s): no majority is left when one is gone", masters);
    } else {
        otpctl_check_say(check, OTPCTL_FINE, "", "state ok, %zu masters, all slots", masters);
    }
}


size_t otpctl_check_merge(otpctl_check_t *kept, size_t checks, const otpctl_check_t *check, const char *place)
{
    size_t at;

    for (at = 0; at < checks && strcmp(kept[at].name, check->name) != 0; at++) {
    }
    if (at < checks && check->health <= kept[at].health) {
        return checks;
    }
    kept[at] = *check;
    if (check->health != OTPCTL_FINE && *place) {
        (void) snprintf(kept[at].text, sizeof(kept[at].text), "%.200s: %.800s", place, check->text);
    }
    return at < checks ? checks : checks + 1;
}
