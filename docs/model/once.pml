/*
 * Exactly once: two workers of nginx, Redis servers that replicate late, faults, and browsers that send one code
 * several times.  README.md says what stands for what.  Rules are taken out, and circumstances put in, with -D.
 */

#ifndef NODES
#define NODES       2               /* Redis servers: a master and its replicas */
#endif
#ifndef REPLICAS
#define REPLICAS    0               /* replicas=N of otp_redis */
#endif
#ifndef FAULTS
#define FAULTS      2
#endif
#ifndef FLOWS
#define FLOWS       2               /* submissions while there is trouble */
#endif
#ifndef LAST
#define LAST        2               /* the time, in steps of the key, at which trouble ends at the latest */
#endif
#ifndef BEYOND
#define BEYOND      1               /* steps after the floor that are spent, too: a key may be ahead by the window */
#endif

#define WINDOW      1
#define WORKERS     2
#define FRESH       FLOWS           /* the flow after the trouble */
#define NONE        NODES
#define STEPS       (LAST + BEYOND + 4)

#ifdef ONE_GATEWAY
#define GATEWAY(w)  0               /* two workers that share the memory of accepted steps */
#else
#define GATEWAY(w)  (w)             /* two gateways */
#endif

mtype = { OK, REFUSED, UNAVAILABLE, DEAD };
mtype = { IDLE, SENT, BROKEN };

/* What a server holds: the account (last step, drift, form), the kept answer of form 1, the master's name. */
typedef data_t { byte step; byte form; byte drift; byte kept; byte name; byte since };

data_t data[NODES], disk[NODES];
bool up[NODES] = true;
byte follows[NODES];                /* itself: a master */
byte name[NODES];                   /* by which gateways tell one master from another */
byte names = NODES;
byte leader;                        /* the master, as Sentinels have it */
bool cut;                           /* two sides that do not hear each other; Sentinels are on side 1 */
bit  node_side[NODES], worker_side[WORKERS];

byte connection[WORKERS] = NONE;
byte floor[WORKERS];                /* 0: none */
byte memory[WORKERS];
#ifdef NO_NAME_IN_DATA
byte knows[WORKERS];                /* the name of the master it was connected to last */
#endif

byte now = 1;
byte faults = FAULTS;
bool calm;

byte worker_of[FLOWS + 1] = WORKERS;
mtype command[FLOWS + 1] = IDLE;    /* BROKEN: the connection, before the reply was read */
bool killed[FLOWS + 1];
byte code;                          /* in form 1 */
byte finished;

/* Ghosts: what really happened. */
bool accepted[STEPS];
byte highest;                       /* accepted, and the flow knows it */
byte first;                         /* flow + 1 that got form 1 accepted */
bool excused;                       /* an answer may be that nothing works: that replicas lag is no fault */
#if FAULTS == 0
bool crossed;                       /* another form has taken the place of form 1 in the record */
#endif
#ifdef CROSSING
#define CROSSED     false
#else
#define CROSSED     crossed
#endif

inline copy(to, from)
{
    to.step = from.step; to.form = from.form; to.drift = from.drift;
    to.kept = from.kept; to.name = from.name; to.since = from.since;
}

#define REACHES(w, n)   (!cut || worker_side[w] == node_side[n])
#define JOINED(a, b)    (!cut || node_side[a] == node_side[b])

/* Node n has just written.  Each of its replicas gets everything up to here, or stays behind for now; nobody looks at a
 * replica before it is promoted, so that when it gets it does not matter.  The same with the disk. */
inline replicate(n, acks)
{
    r = 0;
    do
    :: r < NODES ->
        if
        :: r != n && follows[r] == n && up[r] && JOINED(n, r) ->
            copy(data[r], data[n]); copy(disk[r], data[n]); acks++
        :: r != n && follows[r] == n && up[r] && JOINED(n, r) && !calm
        :: !(r != n && follows[r] == n && up[r] && JOINED(n, r))
        fi;
        r++
    :: else -> break
    od;
    if
    :: copy(disk[n], data[n])
    :: faults != 0
    fi;
    r = 0
}

inline disconnect(w)
{
    connection[w] = NONE;
    f = 0;
    do
    :: f <= FLOWS -> if :: worker_of[f] == w && command[f] == SENT -> command[f] = BROKEN :: else fi; f++
    :: else -> break
    od;
    f = 0
}

inline disconnect_all(n)
{
    w = 0;
    do
    :: w < WORKERS -> if :: connection[w] == n -> disconnect(w) :: else fi; w++
    :: else -> break
    od;
    w = 0
}

/* ---- a submission ---- */

#ifdef DRIFT
#define CENTRE      (now + r_drift)
#define DOUBTFUL    (floor[w] + r_drift + BEYOND)
#else
#define CENTRE      now
#define DOUBTFUL    (floor[w] + BEYOND)
#endif

#if defined(NO_FLOOR) || defined(EVENTS)
#define BELOW_FLOOR false
#else
#define BELOW_FLOOR (floor[w] != 0 && step <= DOUBTFUL)
#endif
#if defined(NO_MEMORY) || defined(NO_RECALL)
#define REMEMBERED  false
#else
#define REMEMBERED  (step <= memory[GATEWAY(w)])
#endif
#ifdef EVENTS
#define IN_WINDOW   true            /* a key that counts: no clock */
#else
#define IN_WINDOW   (step + WINDOW >= CENTRE && step <= CENTRE + WINDOW)
#endif
#ifdef NO_CAS
#define UNCHANGED   true
#else
#define UNCHANGED   (data[n].step == r_step && data[n].form == r_form && data[n].drift == r_drift)
#endif

/* The form of flow 0 sent again, or one of its own; any code that the key may show now.  A key that is ahead (DRIFT)
 * shows one of two, as its phase is; a code is known to whoever looked at it. */
inline choose()
{
    if
    :: id == 0 -> w = 0
    :: id != 0 -> w = 1
    :: id != 0 -> w = 0
    fi;
    if
    :: form = id + 1
#ifdef AGAIN
    :: id != 0 && id != FRESH -> form = 1
#endif
    fi;
    if
#ifdef DRIFT
    :: id == FRESH -> step = now + 1
#else
    :: id == FRESH -> step = now
#endif
    :: id != FRESH && form == 1 && code != 0 -> step = code
#ifdef DRIFT
    :: id != FRESH && (form != 1 || code == 0) -> step = now + 1
    :: id != FRESH && (form != 1 || code == 0) -> step = now + 2
    :: id != FRESH && (form != 1 || code == 0) && now > 1 -> step = now
#else
    :: id != FRESH && (form != 1 || code == 0) -> step = now
    :: id != FRESH && (form != 1 || code == 0) -> step = now + 1
#endif
    fi;
    if
    :: form == 1 -> code = step
    :: else
    fi;
    worker_of[id] = w
}

inline ask()
{
    n = connection[w];
    command[id] = SENT
}

#define CAN_ASK     (killed[id] || connection[w] != NONE || faults != FAULTS)
#define ASKS        (!killed[id] && connection[w] != NONE)
#define GIVES_UP    (!killed[id] && connection[w] == NONE && faults != FAULTS && !calm)

proctype flow(byte id)
{
    byte w, n, r, form, step, acks, r_step, r_form, r_drift, r_kept, floor_then, highest_then, last;
    bool sure, swapped;
#if FAULTS == 0
    byte began;
#endif

    atomic {
        choose();
#if FAULTS == 0
        began = now;
#endif
read:
        CAN_ASK;
        if
        :: killed[id] -> goto dead
        :: GIVES_UP -> goto unavailable
        :: ASKS ->
            ask();
            r_step = data[n].step; r_form = data[n].form; r_drift = data[n].drift;
            if
            :: sure || form != 1 -> r_kept = 0
            :: !sure && form == 1 -> r_kept = data[n].kept
            fi
        fi
    }

decide:
    atomic {
        n = 0;
        if
        :: killed[id] -> goto dead
        :: !killed[id] && command[id] == BROKEN -> goto unavailable
        :: else -> command[id] = IDLE
        fi;
#ifndef NO_ONCE
        if
        :: r_kept != 0 -> goto kept
        :: else
        fi;
#ifndef NO_CLAIM
        if
        :: form == 1 && r_form == 1 -> goto await
        :: else
        fi;
#endif
#endif
        floor_then = floor[w];
        if
        :: step <= r_step || !IN_WINDOW -> goto refused
        :: else
        fi;
        if
        :: (BELOW_FLOOR || REMEMBERED) ->
#ifndef NO_READ_AGAIN
            if
            :: !sure -> sure = true; goto read
            :: sure
            fi;
#endif
            goto refused
        :: else
        fi
    }

    /* To whichever server the worker is connected with by then. */
    atomic {
        CAN_ASK;
        if
        :: killed[id] -> goto dead
        :: GIVES_UP -> goto unavailable
        :: ASKS ->
            ask();
            if
            :: UNCHANGED ->
                swapped = true;
                highest_then = highest;
#if FAULTS == 0
                crossed = crossed || (form != 1 && data[n].form == 1);
#endif
                data[n].step = step; data[n].form = form;
#ifdef DRIFT
                data[n].drift = step - now;
#endif
                replicate(n, acks);
                r_step = 0; r_form = 0
            :: else ->
                swapped = false;
                r_step = data[n].step; r_form = data[n].form; r_drift = data[n].drift
            fi
        fi
    }

    atomic {
        n = 0;
        if
        :: killed[id] -> goto dead
        :: !killed[id] && command[id] == BROKEN -> goto unavailable
        :: !killed[id] && command[id] != BROKEN && !swapped -> goto decide
        :: else
        fi;
        command[id] = IDLE;
#ifndef NO_WAIT_ON_REPLICAS
        if
        :: acks < REPLICAS -> excused = true; goto unavailable
        :: else
        fi;
#endif
        acks = 0;
        last = memory[GATEWAY(w)];
        if
        :: step > last -> memory[GATEWAY(w)] = step
        :: else
        fi;
#if !defined(NO_MEMORY) && !defined(NO_CLAIM_OF_MEMORY)
        if
        :: step <= last ->
            /* Without a fault: a later code has overtaken this one. */
            excused = true;
            assert(faults != FAULTS || step < last);
            goto unavailable
        :: else
        fi;
#endif
        last = 0;
#ifndef NO_SECOND_LOOK
        if
        :: floor[w] != floor_then -> goto unavailable
        :: else
        fi;
#endif
        assert(!accepted[step]);                        /* once */
        assert(step > highest_then);                    /* steps only grow */
        accepted[step] = true;
        if :: step > highest -> highest = step :: else fi;
        floor_then = 0; highest_then = 0; sure = false; swapped = false; step = 0;
#ifndef AGAIN
        goto good;
#endif
        if
        :: form != 1 -> goto good
        :: form == 1 -> assert(first == 0); first = id + 1
        fi
    }

    /* The session, and the answer for whoever sends the form again. */
    atomic {
        CAN_ASK;
        if
        :: killed[id] -> goto dead
        :: GIVES_UP -> goto unavailable
        :: ASKS -> ask(); data[n].kept = id + 1; replicate(n, acks); acks = 0; n = 0
        fi
    }
    atomic {
        if
        :: killed[id] -> goto dead
        :: !killed[id] && command[id] == BROKEN -> goto unavailable
        :: else -> goto good
        fi
    }

await:
    atomic {
        killed[id] || faults != FAULTS || excused || (ASKS && data[connection[w]].kept != 0);
        if
        :: killed[id] -> goto dead
        :: ASKS && data[connection[w]].kept != 0 -> r_kept = data[connection[w]].kept
        :: !killed[id] && (faults != FAULTS || excused) -> goto unavailable
        fi
    }

kept:
    atomic {
        assert(r_kept == first);
        goto good;

refused:
        assert(id != FRESH);
#if FAULTS == 0
        /* Without a fault a form that was accepted is not refused when it is sent again, in good time. */
        assert(form != 1 || first == 0 || now != began || CROSSED);
#endif
        goto good;

unavailable:
dead:
        assert((faults != FAULTS || excused) && id != FRESH);

good:
        finished++;
        worker_of[id] = WORKERS; command[id] = IDLE; killed[id] = false;
        w = 0; n = 0; form = 0; step = 0; acks = 0; r_step = 0; r_form = 0; r_drift = 0; r_kept = 0; floor_then = 0;
        highest_then = 0; last = 0; sure = false; swapped = false
#if FAULTS == 0
        ; began = 0
#endif
    }
}

/* ---- connections, the network, the servers, Sentinels ---- */

inline renamed(n)
{
    names++;
    name[n] = names
}

/* What a gateway asks a master before it sends it anything. */
inline greet(w, n)
{
    connection[w] = n;
#ifdef NO_NAME_IN_DATA
    if
    :: knows[w] != 0 && knows[w] != name[n] -> floor[w] = now
    :: else
    fi;
    knows[w] = name[n]
#else
    if
    :: data[n].name == name[n] ->
        if
        :: data[n].since > floor[w] -> floor[w] = data[n].since
        :: else
        fi
    :: data[n].name == 0 ->
        data[n].name = name[n]; data[n].since = 0;
        replicate(n, ignored)
    :: else ->
        floor[w] = now;
        data[n].name = name[n]; data[n].since = now;
        replicate(n, ignored)
    fi;
    ignored = 0
#endif
}

inline restart(n)
{
    up[n] = true;
    renamed(n);
    if
    :: n != leader -> follows[n] = leader
    :: else
    fi;
    if
    :: follows[n] != n && up[follows[n]] && JOINED(n, follows[n]) ->
        copy(data[n], data[follows[n]]); copy(disk[n], data[n])
    :: else
    fi
}

/* It forgets what it alone knew. */
inline demote(n)
{
    follows[n] = leader;
    copy(data[n], data[leader]);
    copy(disk[n], data[n]);
    disconnect_all(n)
}

#define TROUBLE     (finished < FLOWS)
#define STRAY(n)    (n != leader && up[n] && up[leader] && JOINED(n, leader) && follows[n] != leader)

/* The old master turns replica as soon as it can be reached. */
inline heal()
{
    cut = false;
    n = 0;
    do
    :: n < NODES -> node_side[n] = 0; n++
    :: else -> break
    od;
    worker_side[0] = 0; worker_side[1] = 0;
    n = 0;
    do
    :: n < NODES -> if :: STRAY(n) -> demote(n) :: else fi; n++
    :: else -> break
    od;
    n = 0
}

#define LEFT_BEHIND(n) (n != leader && node_side[n] == 0 && follows[n] != n)
#define MASTER_GONE (!up[leader] || (cut && node_side[leader] == 0))
#define HEIR(n)     (n < NODES && up[n % NODES] && n != leader && follows[n % NODES] == leader && \
                     (!cut || node_side[n % NODES] == 1))

/* Where Sentinels, or those that are left on its side, send worker w. */
#define GOES(w, n)  (finished < FLOWS && connection[w] == NONE && up[n] && follows[n] == n && REACHES(w, n) && \
                     (n == leader || (cut && node_side[n] == 0)))

proctype world()
{
    byte n, r, w, f, ignored;

    do
    :: atomic { GOES(0, 0) -> greet(0, 0) }
    :: atomic { GOES(1, 0) -> greet(1, 0) }
    :: atomic { GOES(0, 1) -> greet(0, 1) }
    :: atomic { GOES(1, 1) -> greet(1, 1) }
#if NODES == 3
    :: atomic { GOES(0, 2) -> greet(0, 2) }
    :: atomic { GOES(1, 2) -> greet(1, 2) }
#endif

    :: atomic { now < LAST && TROUBLE -> now++ }

    /* a connection breaks */
    :: atomic {
        faults != 0 && TROUBLE && (connection[0] != NONE || connection[1] != NONE) ->
        faults--;
        if
        :: connection[0] != NONE -> disconnect(0)
        :: connection[1] != NONE -> disconnect(1)
        fi
    }

#ifndef NO_CRASH
    /* a gateway crashes, and is there again: it has forgotten */
    :: atomic {
        faults != 0 && TROUBLE ->
        faults--;
        if :: w = 0 :: w = 1 fi;
        f = 0;
        do
        :: f < FLOWS -> if :: worker_of[f] == w -> killed[f] = true; command[f] = IDLE :: else fi; f++
        :: else -> break
        od;
        disconnect(w);
        floor[w] = 0;
        memory[GATEWAY(w)] = 0;
#ifdef NO_NAME_IN_DATA
        knows[w] = 0;
#endif
        w = 0
    }
#endif

    /* a server crashes, and starts again, perhaps without its last writes */
    :: atomic {
        faults != 0 && TROUBLE && (up[0] || up[1] || up[NODES - 1]) ->
        if
        :: up[0] -> n = 0
        :: up[1] -> n = 1
#if NODES == 3
        :: up[2] -> n = 2
#endif
        fi;
        faults--;
        up[n] = false;
        if
        :: copy(data[n], disk[n])
        :: copy(disk[n], data[n])
        fi;
        disconnect_all(n);
        n = 0
    }
    :: atomic { TROUBLE && !up[0] -> restart(0) }
    :: atomic { TROUBLE && !up[1] -> restart(1) }
#if NODES == 3
    :: atomic { TROUBLE && !up[2] -> restart(2) }
#endif

    /* the master is cut off from Sentinels: alone, or (SPLIT_BRAIN) with gateways and replicas */
    :: atomic {
        faults != 0 && TROUBLE && !cut ->
        faults--;
        cut = true;
        n = 0;
        do
        :: n < NODES ->
            if
            :: n == leader -> node_side[n] = 0
            :: n != leader -> node_side[n] = 1
#if NODES == 3 && defined(SPLIT_BRAIN)
            :: n != leader -> node_side[n] = 0
#endif
            fi;
            n++
        :: else -> break
        od;
        w = 0;
        do
        :: w < WORKERS ->
            worker_side[w] = 1;
#ifdef SPLIT_BRAIN
            if :: worker_side[w] = 0 :: skip fi;
#endif
            if
            :: connection[w] != NONE && node_side[connection[w]] != worker_side[w] -> disconnect(w)
            :: else
            fi;
            w++
        :: else -> break
        od;
        n = 0; w = 0
    }
    :: atomic { TROUBLE && cut -> heal() }

#if NODES == 3
    /* a replica changes sides */
    :: atomic {
        cut && TROUBLE && (LEFT_BEHIND(1) || LEFT_BEHIND(2)) ->
        if
        :: LEFT_BEHIND(1) -> n = 1
        :: LEFT_BEHIND(2) -> n = 2
        fi;
        node_side[n] = 1; n = 0
    }
    :: atomic { TROUBLE && STRAY(0) -> demote(0) }
    :: atomic { TROUBLE && STRAY(1) -> demote(1) }
    :: atomic { TROUBLE && STRAY(2) -> demote(2) }
#endif

    /* Sentinels promote a replica they reach; it may know the last writes or not */
    :: atomic {
        TROUBLE && MASTER_GONE && (HEIR(0) || HEIR(1) || HEIR(2)) ->
        if
        :: HEIR(0) -> n = 0
        :: HEIR(1) -> n = 1
        :: HEIR(2) -> n = 2
        fi;
        follows[n] = n;
        leader = n;
#ifndef NAME_IS_RUN_ID
        renamed(n);
#endif
        n = 0
    }

    :: atomic { !TROUBLE -> break }
    od;

    /* The trouble is over: everybody is up and follows the master, everybody is connected, the key shows a new code. */
    atomic {
        n = 0;
        do
        :: n < NODES -> if :: !up[n] -> restart(n) :: else fi; n++
        :: else -> break
        od;
        heal();
        calm = true;
        w = 0;
        do
        :: w < WORKERS -> if :: connection[w] == NONE -> greet(w, leader) :: else fi; w++
        :: else -> break
        od;
        now = LAST + BEYOND + 2;
        n = 0; w = 0;
        run flow(FRESH)
    }
}

init
{
    byte n;

    atomic {
        do
        :: n < NODES ->
            follows[n] = 0; name[n] = n + 1;
            data[n].name = 1; disk[n].name = 1;
            n++
        :: else -> break
        od;
        connection[0] = 0; connection[1] = 0;
#ifdef NO_NAME_IN_DATA
        knows[0] = 1; knows[1] = 1;
#endif
        n = 0;
        run world();
        run flow(0); run flow(1);
#if FLOWS > 2
        run flow(2)
#endif
    }
}
