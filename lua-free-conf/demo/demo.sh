#!/bin/bash
# The demo: Redis, two gateways, a sample application, software keys with a display and a mail server, on loopback.
#
#     demo.sh run|start|stop
#
#     DEMO_PORT     first port (8081): gateways at +0 and +1, the application at +2, mail at +3,
#                   the keys' displays at +9
#     DEMO_STATE    where everything is kept (build/demo); made anew at each start
#     DEMO_PERIOD   seconds that the key shows a code (60)
#     DEMO_PEOPLE   more identifiers to create, with Marie's password
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
files=$top/lua-free-conf/demo
build=${DEMO_BUILD:-$top/build}
state=${DEMO_STATE:-$top/build/demo}
port=${DEMO_PORT:-8081}
password=craie-et-tableau
serial=201500042
nginx=$(command -v nginx || echo /usr/sbin/nginx)
children=()

fail() {
    echo "demo: $*" >&2
    stop_children
    exit 1
}

stop_children() {
    local pid
    [ "${#children[@]}" != 0 ] || return 0      # what runs, if anything does, is not ours
    for pid in "${children[@]}"; do
        kill "$pid" 2>/dev/null
    done
    for pid in "${children[@]}"; do
        wait "$pid" 2>/dev/null
    done
    children=()
    rm -f "$state/pids"
}

taken() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

check_ports() {
    local one
    for one in "$port" $((port + 1)) $((port + 2)) $((port + 3)) $((port + 9)); do
        ! taken "$one" || fail "port $one is in use. Is a demo running (make demo-stop)?" \
            "Or choose another first port: make demo DEMO_PORT=9081"
    done
}

wait_for_port() {
    local i
    for i in $(seq 100); do
        ! taken "$1" || return 0
        kill -0 "$2" 2>/dev/null || break
        sleep 0.1
    done
    fail "$3 does not start: $(tail -n 5 "$4" 2>/dev/null)"
}

# The configuration $1 with its words replaced.
configuration() {
    local user='# not root: nginx keeps our user'
    [ "$(id -u)" != 0 ] || user='user root;'
    sed -e "s|^USER\$|$user|" -e "s|STATE|$state|g" -e "s|FILES|$files|g" -e "s|MODULE|$build/ngx_http_otp_module.so|" \
        -e "s|TEMPLATES|$top/lua-free-conf/templates|" -e "s|DISPLAY|$((port + 9))|" -e "s|APPLICATION|$((port + 2))|" \
        -e "s|PORT|$2|g" "$files/$1"
}

otpctl() { "$build/otpctl" --redis "unix:$state/redis.sock" --keyring "$state/keyring" "$@"; }

start_redis() {
    redis-server --port 0 --unixsocket "$state/redis.sock" --unixsocketperm 700 --dir "$state/redis" --save '' \
        --appendonly yes --maxmemory-policy noeviction --logfile "$state/redis.log" > /dev/null 2>&1 &
    children+=($!)
    local i
    for i in $(seq 100); do
        [ ! -S "$state/redis.sock" ] || return 0
        sleep 0.1
    done
    fail "Redis does not start: $(tail -n 5 "$state/redis.log" 2>/dev/null)"
}

create_people() {
    local hash uid
    hash=$(perl -e 'print crypt $ARGV[0], q{$6$} . join "", map { ("a" .. "z", 0 .. 9)[rand 36] } 1 .. 16' "$password")
    {
        echo "marie.dupont:$hash:Marie Dupont:marie.dupont@example.org:enseignants,personnels"
        echo "jean.martin:$hash:Jean Martin:jean.martin@example.org:enseignants,personnels"
        echo "agent.support:$hash:Agent Support:agent.support@example.org:assistance,personnels"
        for uid in ${DEMO_PEOPLE:-}; do
            echo "$uid:$hash:$uid:$uid@example.org:personnels"
        done
    } > "$state/people"
    chmod 600 "$state/people"
}

# A key with the serial $1, whose owner the display calls $2; given to $3 if there is one.
create_key() {
    otpctl --json key generate --serial "$1" --period "${DEMO_PERIOD:-60}" > "$state/key-$1.json" ||
        fail "otpctl cannot make the key $1"
    sed "s|}\$|,\"owner\":\"$2\"}|" "$state/key-$1.json" >> "$state/keys.jsonl"
    [ -z "${3:-}" ] || otpctl key assign "$1" "$3" > /dev/null || fail "otpctl cannot assign the key $1"
}

create_keys() {
    create_key "$serial" "Marie Dupont" marie.dupont
    create_key $((serial + 1)) "Agent Support" agent.support
    create_key $((serial + 2)) "Jean Martin : à activer"
    cp "$state/key-$serial.json" "$state/key.json"
    { echo '['; sed '$!s/$/,/' "$state/keys.jsonl"; echo ']'; } > "$state/keys.json"
}

start_mail() {
    mkdir -p "$state/mail"
    # Debian's, whatever else is called python3: its aiosmtpd is installed.
    /usr/bin/python3 -B "$files/mail/catcher.py" $((port + 3)) "$state/mail" > "$state/mail.log" 2>&1 &
    children+=($!)
    wait_for_port $((port + 3)) $! "the mail server" "$state/mail.log"
    "$build/otpctl" --redis "unix:$state/redis.sock" --keyring "$state/keyring" notify \
        --smtp "smtp://127.0.0.1:$((port + 3))" --from "Portail <portail@example.org>" --people "$state/people" \
        --templates "$top/lua-free-conf/templates" --portal "http://127.0.0.1:$port/otp/" \
        --timezone Europe/Paris --support-email assistance@example.org --support-phone "01 23 45 67 89" \
        > "$state/notify.log" 2>&1 &
    children+=($!)
}

start_nginx() {
    local name=$1 log=$2 listens=$3
    "$nginx" -p "$state/" -e "$log" -c "$state/$name" > "$state/start-$name.log" 2>&1 &
    children+=($!)
    wait_for_port "$listens" $! "$name" "$state/start-$name.log"
}

start_all() {
    local gateway
    [ -x "$build/otpctl" ] && [ -e "$build/ngx_http_otp_module.so" ] || fail "not built: run make"
    check_ports
    rm -rf "$state"
    mkdir -p "$state/redis" "$state/tmp"
    chmod 700 "$state"
    "$build/otpctl" keyring init "$state/keyring" > /dev/null || fail "otpctl cannot make the key ring"
    start_redis
    create_people
    create_keys
    configuration application.conf "$port" > "$state/application.conf"
    start_nginx application.conf "$state/application.log" $((port + 2))
    for gateway in "$port" $((port + 1)); do
        configuration gateway.conf "$gateway" > "$state/gateway-$gateway.conf"
        start_nginx "gateway-$gateway.conf" "$state/gateway-$gateway.log" "$gateway"
    done
    start_mail
    printf '%s\n' "${children[@]}" > "$state/pids"
}

explain() {
    cat <<END

  The gateways          http://127.0.0.1:$port/    and    http://127.0.0.1:$((port + 1))/
  The keys' displays    http://127.0.0.1:$((port + 9))/    (six new digits every ${DEMO_PERIOD:-60} s)
  Mail that was sent    http://127.0.0.1:$((port + 9))/mail/

  Sign in               marie.dupont  /  $password
    « Congés et absences » opens with the password.
    « Notes et bulletins » asks for the key: the first time type the six digits of the display, choose a PIN
    (4071, say), wait until the display changes, type PIN and new digits together.
    « Bulletin de paie » asks for the key again after two minutes.
  Or at once            « Clé de sécurité OTP » on the first page: identifier and passcode, no password.
  The helpdesk          agent.support  /  $password, then the key $((serial + 1)): « Assistance » on the portal
  A key to activate     jean.martin  /  $password: « Ma clé », serial $((serial + 2)) and its six digits; then
                        agent.support validates the request, and Jean gets a mail
  The same session      is good on both gateways; « Déconnexion » on one ends it on the other.
  On the command line   export OTP_REDIS=unix:$state/redis.sock OTP_KEYRING=$state/keyring TZ=Europe/Paris
                        $build/otpctl key list        $build/otpctl user show marie.dupont

END
}

# A pid is ours only while its command line has our folder in it.
ours() { [ -e "/proc/$1/cmdline" ] && tr '\0' ' ' < "/proc/$1/cmdline" | grep -qF "$state"; } 2>/dev/null

running() {
    local pid
    [ -e "$state/pids" ] || return 1
    while read -r pid; do
        ours "$pid" && return 0
    done < "$state/pids"
    return 1
}

whole() {
    local pid
    while read -r pid; do
        ours "$pid" || return 1
    done < "$state/pids"
}

stop_recorded() {
    local pid i
    running || { echo "demo: nothing runs"; rm -f "$state/pids"; return 0; }
    while read -r pid; do
        ! ours "$pid" || kill "$pid" 2>/dev/null
    done < "$state/pids"
    for i in $(seq 50); do
        running || break
        sleep 0.1
    done
    rm -f "$state/pids"
    echo "demo: stopped"
}

case ${1:-} in
run)
    ! running || fail "it runs already in the background: make demo-stop"
    trap 'stop_children; echo; echo "demo: stopped"; exit 0' INT TERM HUP
    start_all
    explain
    echo "Ctrl-C stops all of it."
    wait -n "${children[@]}"
    fail "a part of it ended; its log is in $state"
    ;;
start)
    if running; then
        whole || fail "a part of it ended (its log is in $state): make demo-stop, then start it again"
        echo "demo: runs already"
    else
        start_all
        disown -a
    fi
    explain
    echo "\`make demo-stop\` stops it."
    ;;
stop)
    stop_recorded
    ;;
*)
    echo "usage: $0 run|start|stop" >&2
    exit 2
    ;;
esac
