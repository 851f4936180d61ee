#include "core/store/otp_resp.h"
#include "core/store/otp_slot.h"
#include "otpctl/otpctl_slot_map.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/*
 * What servers of a Redis Cluster say.  First line: the text of an error, which may send a command elsewhere; then
 * replies: an array is that of CLUSTER SLOTS, a text that of CLUSTER NODES.
 */
static otpctl_slot_map_t map, before;

static void redirection(otp_span_t error)
{
    otp_slot_target_t target;
    int64_t           port;

    if (otp_slot_redirection(error, &target) == OTP_SLOT_HERE) {
        return;
    }
    FUZZ_ACCEPTED();
    FUZZ_REQUIRE(otp_span_starts(error, OTP_SPAN("MOVED ")) || otp_span_starts(error, OTP_SPAN("ASK ")));
    FUZZ_REQUIRE(target.slot < OTP_SLOTS);
    FUZZ_REQUIRE(target.host.data >= error.data && target.port.data + target.port.len == error.data + error.len);
    FUZZ_REQUIRE(otp_span_number(target.port, &port) == OTP_OK && port > 0 && port <= 65535);
}


static void judge(void)
{
    FUZZ_REQUIRE(map.servers <= OTPCTL_SERVERS && otpctl_slot_map_gaps(&map) <= OTP_SLOTS);
    for (size_t i = 0; i < map.servers; i++) {
        FUZZ_REQUIRE(map.server[i].host[0] != '\0' && memchr(map.server[i].host, '\0', OTPCTL_HOST_MAX) != NULL);
    }
    for (size_t i = 0; i < OTP_SLOTS; i++) {
        FUZZ_REQUIRE(map.owner[i] >= -1 && map.owner[i] < (int) map.servers);
        FUZZ_REQUIRE(map.owner[i] < 0 || map.server[map.owner[i]].master);
    }
}


static void look(const otp_reply_t *reply)
{
    uint64_t digest = 1;
    bool     moving = false;

    if (reply->kind == OTP_REPLY_TEXT) {
        otpctl_slot_map_nodes(&map, reply->text, &digest, &moving);
        return;
    }
    memcpy(before.owner, map.owner, sizeof(map.owner));
    if (otpctl_slot_map_read(&map, reply, OTP_SPAN("127.0.0.1"))) {
        FUZZ_ACCEPTED();
        FUZZ_REQUIRE(otpctl_slot_map_gaps(&map) < OTP_SLOTS);
    } else {
        FUZZ_REQUIRE(memcmp(before.owner, map.owner, sizeof(map.owner)) == 0);
    }
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t   rest = { (const char *) data, size };
    otp_resp_t  *resp = otp_resp_create();
    otp_reply_t *reply;

    FUZZ_REQUIRE(resp != NULL);
    otpctl_slot_map_init(&map);
    redirection(otp_span_cut(&rest, '\n'));
    if (rest.data != NULL && otp_resp_feed(resp, rest) == OTP_OK) {
        while (otp_resp_take(resp, &reply) == OTP_OK && reply != NULL) {
            look(reply);
            otp_reply_destroy(reply);
        }
    }
    judge();
    otp_resp_destroy(resp);
    return 0;
}
