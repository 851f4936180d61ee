#!/bin/bash
# Rules about the text of the project: what must not appear, and what must not be forgotten.
# Each rule prints what breaks it; nothing printed means it holds.
set -u
shopt -s nullglob

cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
product=(core ngx_http_otp_module otpctl)

# Files of the project: what git knows when there is a checkout, else everything that is not built.
files() {
    git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null ||
        find "$@" -type f -not -path '*/node_modules/*' -not -path './build/*'
}

rule() {
    local sentence=$1 broken
    shift
    broken=$("$@" 2>&1)
    if [ -z "$broken" ]; then
        echo "ok - $sentence"
        passed=$((passed + 1))
    else
        echo "not ok - $sentence"
        printf '%s\n' "$broken" | sed 's/^/    /'
        failed=$((failed + 1))
    fi
}

source_grep() {
    local pattern=$1
    shift
    grep -rnE --include='*.c' --include='*.h' -- "$pattern" "$@"
}

directives() {
    perl -0777 -ne 'print "$1\n" while /\{\s*ngx_string\("(otp_?\w*)"\),\s*NGX_HTTP_/g' \
        ngx_http_otp_module/*.c /dev/null | sort -u
}

core_reaches_out() {
    source_grep '#include *[<"](ngx_|hiredis/(async|adapters)|sys/socket|netinet|unistd)|\bngx_[a-z_]*(\(|_t\b)' core
    source_grep '\b(time|clock|gettimeofday|clock_gettime|localtime|gmtime)\(' core
    source_grep '\b(rand|random|getrandom|RAND_bytes|RAND_priv_bytes|getenv|fopen|open|socket|printf|fprintf)\(' core
}

# What the linker would put into writable memory; tables of constant pointers are in .data.rel.ro.
core_has_mutable_globals() {
    [ ! -e build/libotpcore.a ] || objdump -t build/libotpcore.a |
        awk '$4 ~ /^\.(data|bss|tdata|tbss)$/ && $NF != $4 || /\*COM\*/ { print $NF }'
}

# By the names of what is compared; texts in quotes are not names.
secrets_compared() {
    files "${product[@]}" | grep '\.c$' | xargs -r perl -ne '
        (my $code = $_) =~ s/"(\\.|[^"\\])*"//g;
        print "$ARGV:$.: $_" if $code =~ /\b(str(n|case)?cmp|memcmp|ngx_(str|strn|mem)cmp|otp_span_equal)\(.*
            \b\w*(pin|passcode|secret|mac|hash|digest|csrf|seed|cookie_value)\b/x;
        close ARGV if eof'
}

deprecated_crypto() {
    source_grep '\b(SHA256_Init|SHA1_Init|HMAC_CTX_new|HMAC_Init|AES_set_|MD5_|RSA_new|EVP_MD_CTX_create)\b' "${product[@]}"
}

unsafe_calls() {
    source_grep '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|system|popen)\(' "${product[@]}"
}

twin_names() {
    files . | grep '\.c$' | sed 's|.*/||' | sort | uniq -d
}

foreign_names() {
    # The objects keep their symbols: everything with external linkage has our prefix.
    local object
    for object in build/libotpcore.a build/sanitize/libotpcore.a; do
        [ -e "$object" ] || continue
        nm -g --defined-only "$object" | awk '$2 ~ /[TDBRV]/ && $3 !~ /^otp_/ && $3 !~ /^__/ { print $3 }'
        return
    done
}

long_functions() {
    files "${product[@]}" | grep '\.c$' | xargs -r awk '
        FNR == 1 { start = 0 }
        /^\{/ || /^[a-z].*\(.*\{$/ || /^    .*\) \{$/ && !start { start = FNR }
        /^\}/ { if (start && FNR - start > 61) printf "%s:%d: %d lines\n", FILENAME, start, FNR - start - 1; start = 0 }'
}

long_files() {
    files "${product[@]}" | grep '\.[ch]$' | xargs -r wc -l | awk '$2 != "total" && $1 > 400 { print $2 ": " $1 " lines" }'
}

long_lines() {
    files core ngx_http_otp_module otpctl tests | grep '\.[ch]$' | LC_ALL=C.UTF-8 xargs -r grep -nE $'.{121}|\t' | cut -c 1-80
}

unfinished() {
    files . | grep -E '\.(c|h|sh|md|t|pm|js|mjs|py|conf|html)$|Makefile$' | grep -v 'source-guards.sh$' |
        xargs -r grep -nE '\b(TODO|FIXME|XXX)\b|not implemented'
}

unregistered_tests() {
    local file name
    for file in tests/unit/test_*.c; do
        grep -q 'cmocka_run_group_tests' "$file" || echo "$file: has no main of its own"
        for name in $(sed -nE 's/^(static )?void (test_[a-z0-9_]+)\(.*/\2/p' "$file"); do
            grep -qE "[A-Za-z_]+\( *$name *[,)]|\b$name\b *[,}]" "$file" || echo "$file: $name is not run"
        done
    done
}

untested_files() {
    local harness
    for harness in tests/fuzz/fuzz_*.c; do
        harness=${harness##*/fuzz_}
        [ -d "tests/fuzz/corpus/${harness%.c}" ] || echo "tests/fuzz/fuzz_$harness: no folder tests/fuzz/corpus/${harness%.c}"
    done
    files tests t | grep -E '\.t$' | grep -v '^\(\./\)\?t/' | sed 's/$/: not below t\/, so not run/'
    find tests/journeys tests/gateways -name node_modules -prune -o -name '*.test.mjs' -not -path 'tests/journeys/*' -print 2>/dev/null
}

undocumented_directives() {
    local name
    for name in $(directives); do
        grep -qsE "(^|[^a-z_])$name([^a-z_]|$)" docs/directives.md || echo "$name: not in docs/directives.md"
        grep -qsE "^[[:space:]]*#?[[:space:]]*$name([[:space:];]|$)" lua-free-conf/nginx/*.conf /dev/null ||
            echo "$name: in no configuration of lua-free-conf/nginx"
    done
}

untested_directives() {
    local name
    for name in $(directives); do
        [ -e "t/$name.t" ] || echo "$name: there is no t/$name.t"
    done
}

invented_directives() {
    local known name
    known=" $(directives | tr '\n' ' ') "
    [ "$known" != "  " ] || return
    sed -nE 's/^[[:space:]]*#?[[:space:]]*(otp(_[a-z]+)+)[[:space:];].*/\1/p' lua-free-conf/*/*.conf /dev/null |
        sort -u | while read -r name; do
        [[ $known == *" $name "* ]] || echo "$name: in lua-free-conf, but no directive of the module"
    done
}

this_machine() {
    local words word
    words=$({ apt-get indextargets --format '$(REPO_URI)' 2>/dev/null; npm config get registry 2>/dev/null; } |
        sed -nE 's|^[a-z]+://([^/]+).*|\1|p' | sort -u)
    for word in $words "$PWD/"; do
        files . | xargs -r -d '\n' grep -nIF -- "$word" | head -n 3
    done
}

rule 'the core knows no nginx, no socket, no clock, no randomness, no file' core_reaches_out
rule 'the core has no mutable global state' core_has_mutable_globals
rule 'secrets are compared in constant time' secrets_compared
rule 'no deprecated call of OpenSSL' deprecated_crypto
rule 'no call that overruns or runs a shell' unsafe_calls
rule 'every .c file has a name of its own' twin_names
rule 'every external symbol of the core begins with otp_' foreign_names
rule 'no function is longer than 60 lines' long_functions
rule 'no source file is longer than 400 lines' long_files
rule 'lines have at most 120 columns and no tabs' long_lines
rule 'nothing is unfinished by its own words' unfinished
rule 'every unit test is registered' unregistered_tests
rule 'every harness has a corpus and every test file is run' untested_files
rule 'every directive is documented and in a shipped configuration' undocumented_directives
rule 'every directive has a file in t/' untested_directives
rule 'the shipped configurations use directives that exist' invented_directives
rule 'no path or host of this machine is in the tree' this_machine

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
