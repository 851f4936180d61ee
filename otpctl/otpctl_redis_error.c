#include "otpctl/otpctl_redis.h"

static const struct {
    const char *code;
    bool        away;
    const char *remedy;
} errors[] = {
    { "LOADING", true, "it is still loading its data: try again in a moment" },
    { "MASTERDOWN", true, "it is a replica without its master: give the master's address" },
    { "CLUSTERDOWN", true, "its cluster is down: see `otpctl doctor`" },
    { "TRYAGAIN", true, "nothing was changed: a slot of the cluster is on its way to another server; try again when it "
      "has arrived" },
    { "UNREPLICATED", true, "it is lost if this server is lost before a replica has it; see `otpctl doctor`, then look "
      "what is there, and give the command again if need be" },
    { "NOAUTH", true, "it wants a password: give user= and password_file=" },
    { "WRONGPASS", true, "look at user= and password_file=" },
    { "READONLY", false, "it is a replica: give the master's address" },
    { "MOVED", false, "it is part of a cluster: put the word cluster beside its address" },
    { "NOPERM", false, "its ACL does not allow this user the command" },
    { "OOM", false, "its memory is full: raise maxmemory" },
    { "MISCONF", false, "it cannot write to its disk: look at its log" },
    { "NOREPLICAS", false, "it has fewer replicas than min-replicas-to-write" },
    { "ERR This instance has cluster support disabled", false, "leave the word cluster out" },
};

#define ERRORS (sizeof(errors) / sizeof(errors[0]))

static size_t error_find(otp_span_t error)
{
    size_t     i;
    otp_span_t rest = error, code = otp_span_cut(&rest, ' ');

    for (i = 0; i < ERRORS && !otp_span_equal(otp_span_of(errors[i].code), code)
         && !otp_span_equal(otp_span_of(errors[i].code), error); i++) {
    }
    return i;
}


bool otpctl_redis_away(otp_span_t error)
{
    size_t i = error_find(error);

    return i < ERRORS && errors[i].away;
}


const char *otpctl_redis_remedy(otp_span_t error)
{
    size_t i = error_find(error);

    return i < ERRORS ? errors[i].remedy : "";
}
