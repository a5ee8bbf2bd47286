#!/usr/bin/env bash
#
# install.sh - the library as its embedders meet it: installed and found by pkg-config, and as a part of
# another project of meson's. What is looked at here never sees the source tree's own include folders.
#
# The plain build is installed into a scratch folder. The other project compiles the library once more,
# without optimization and debug information, so that ccache knows it again wherever the folder is.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_here

STRICT=(-Wall -Wextra -Werror)

# pc OPTIONS...: what pkg-config says of the installed library.
pc() {
    PKG_CONFIG_PATH=$(dirname "$(find "$WORK/root" -name tapio.pc)") PKG_CONFIG_SYSROOT_DIR=$WORK/root \
        pkg-config "$@" tapio
}

# Every name that a public header declares with TAPIO_API, sorted.
declared() {
    cat "$PREFIX"/include/tapio/*.h | python3 -c '
import re, sys
text = re.sub(r"/\*.*?\*/", "", sys.stdin.read(), flags=re.S)
names = re.findall(r"TAPIO_API\b(?!\s+__attribute__)[^;{(]*?\b(\w+)\s*\(", text)
print("\n".join(sorted(set(names))))'
}

installs() {
    [[ -e $ROOT/build/build.ninja ]] || fail "build/ is not built: run scripts/build"
    DESTDIR=$WORK/root meson install -C "$ROOT/build" --no-rebuild --quiet >"$WORK/log" 2>&1 || fail "$(tail -n 3 "$WORK/log")"
    [[ -n $(find "$WORK/root" -name tapio.pc) ]]
}

the_right_files() {
    local page
    [[ -x $PREFIX/bin/tapio ]]
    [[ -L $LIB/libtapio.so && -L $LIB/libtapio.so.0 && -s $LIB/libtapio.a ]]
    expect "the headers" "$(cd "$ROOT/include/tapio" && ls)" "$(cd "$PREFIX/include/tapio" && ls)"
    expect "what else is there" "" "$(cd "$PREFIX" && find . -type f ! -path './include/tapio/*.h' \
        ! -path './bin/tapio' ! -name 'libtapio.*' ! -name libtapio-exec.so ! -name tapio.pc ! -path './share/man/man?/*' ! -path './share/tapio/wireshark/*')"
    [[ -s $LIB/tapio/libtapio-exec.so ]]
    [[ -s $PREFIX/share/tapio/wireshark/tapio.lua && -x $PREFIX/share/tapio/wireshark/tapio-extcap ]]
    for page in "$ROOT"/docs/man/*.[1-9]; do
        [[ ! -e $page ]] || [[ -s $PREFIX/share/man/man${page##*.}/$(basename "$page") ]] ||
            fail "$(basename "$page") is not installed"
    done
}

the_shim() {
    # shellcheck disable=SC2016 # for the shell in there
    expect "what is preloaded" "$LIB/tapio/libtapio-exec.so" "$("$PREFIX/bin/tapio" exec -- sh -c 'echo "$LD_PRELOAD"')"
}

the_pc_file() {
    local version
    version=$("$PREFIX/bin/tapio" --version)
    expect "version" "${version#tapio }" "$(pc --modversion)"
    expect "what it requires" "" "$(pc --print-requires)$(pc --print-requires-private)"
    expect "libraries" "-L$LIB -ltapio" "$(pc --libs | sed 's/ *$//')"
    expect "libraries, static" "-L$LIB -ltapio -pthread" "$(pc --libs --static | sed 's/ *$//')"
    expect "flags" "-I$PREFIX/include" "$(pc --cflags | sed 's/ *$//')"
}

only_public_symbols() {
    declared >"$WORK/declared"
    [[ $(wc -l <"$WORK/declared") -gt 100 ]]
    nm -D --defined-only "$LIB/libtapio.so" | awk '{ print $3 }' | sort >"$WORK/shared"
    nm -g --defined-only "$LIB/libtapio.a" | awk 'NF == 3 { print $3 }' | sort >"$WORK/static"
    diff "$WORK/declared" "$WORK/shared" || fail "the shared library has other symbols than the headers"
    diff "$WORK/declared" "$WORK/static" || fail "the archive has other symbols than the headers"
    expect "the name that programs remember" "libtapio.so.0" \
        "$(readelf -d "$LIB/libtapio.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"
}

# A header must stand alone, in strict C11, in C++, and beside nothing but the installed ones.
each_header_alone() {
    local header
    for header in "$PREFIX"/include/tapio/*.h; do
        header=tapio/$(basename "$header")
        printf '#include <%s>\n' "$header" >"$WORK/alone.c"
        cp "$WORK/alone.c" "$WORK/alone.cc"
        # shellcheck disable=SC2046 # several words
        cc -std=c11 -pedantic "${STRICT[@]}" -fsyntax-only $(pc --cflags) "$WORK/alone.c" || fail "$header in C11"
        # shellcheck disable=SC2046
        g++ -std=c++17 "${STRICT[@]}" -fsyntax-only $(pc --cflags) "$WORK/alone.cc" || fail "$header in C++"
    done
    if grep -n '#include "' "$PREFIX"/include/tapio/*.h; then
        fail "a public header includes one of the house"
    fi
}

# One program calls every function, so that C++ must find each under its C name.
from_cpp() {
    {
        for header in "$PREFIX"/include/tapio/*.h; do
            printf '#include <tapio/%s>\n' "$(basename "$header")"
        done
        echo 'static void *const all[] = {'
        sed 's/.*/    reinterpret_cast<void *>(\&&),/' "$WORK/declared"
        echo '};'
        echo 'int main() { for (void *f : all) if (!f) return 1; return 0; }'
    } >"$WORK/all.cc"
    # shellcheck disable=SC2046 # several words
    g++ -std=c++17 "${STRICT[@]}" "$WORK/all.cc" -o "$WORK/all" $(pc --cflags --libs)
    LD_LIBRARY_PATH=$LIB "$WORK/all"
}

# As its first lines say: cc NAME.c $(pkg-config --cflags --libs tapio).
each_example() {
    local source name
    mkdir "$WORK/shared.d" "$WORK/static.d"
    for source in "$ROOT"/examples/*.c; do
        name=$(basename "$source" .c)
        expect "lines of $name.c, beyond 100" 0 "$(tail -n +101 "$source" | wc -l)"
        # shellcheck disable=SC2046 # several words
        cc "${STRICT[@]}" "$source" -o "$WORK/shared.d/$name" $(pc --cflags --libs)
        # shellcheck disable=SC2046
        cc "${STRICT[@]}" "$source" -o "$WORK/static.d/$name" -static $(pc --static --cflags --libs)
    done
    readelf -d "$WORK"/static.d/* >"$WORK/log"
    if grep NEEDED "$WORK/log"; then
        fail "a static example wants a shared library"
    fi
}

# Those that need no TAP; the shared one is the one that was installed.
examples_run() {
    local name
    for name in $ALONE; do
        LD_LIBRARY_PATH=$LIB "$WORK/shared.d/$name" >"$WORK/$name.shared"
        "$WORK/static.d/$name" >"$WORK/$name.static"
        expect "lines of $name" 1 "$(tail -n 1 "$WORK/$name.shared" | wc -l)"
        cmp "$WORK/$name.shared" "$WORK/$name.static"
    done
}

# A project that knows nothing of us but our name.
outer_project() {
    local outer=$WORK/outer
    mkdir -p "$outer/subprojects"
    ln -s "$ROOT" "$outer/subprojects/tapio"
    cp "$ROOT/examples/two_stacks.c" "$outer"
    cat >"$outer/meson.build" <<'MESON'
project('outer', 'c', default_options: ['warning_level=2', 'werror=true'])
tapio = dependency('tapio', fallback: 'tapio')
test('shared', executable('shared', 'two_stacks.c', dependencies: tapio))
test('static', executable('static', 'two_stacks.c',
  dependencies: dependency('tapio', fallback: 'tapio', static: true)))
MESON
    ! have ccache || export CC="ccache cc"
    meson setup "$outer/build" "$outer" --buildtype=plain --wrap-mode=forcefallback >"$WORK/log" 2>&1 ||
        fail "$(tail -n 5 "$WORK/log")"
    ninja --quiet -C "$outer/build" >"$WORK/log" 2>&1 || fail "$(tail -n 5 "$WORK/log")"
    meson test -C "$outer/build" --no-rebuild >"$WORK/log" 2>&1 || fail "$(tail -n 20 "$WORK/log")"
    grep -q '^Ok: *2' "$WORK/log" || fail "$(tail -n 20 "$WORK/log")"
    ldd "$outer/build/shared" >"$WORK/log"
    grep -q 'libtapio.so.0 => .*/subprojects/tapio/' "$WORK/log"
    ldd "$outer/build/static" >"$WORK/log"
    if grep libtapio "$WORK/log"; then
        fail "the static one wants the shared library"
    fi
}

# What a project around us does not get unless it asks.
nothing_but_the_library() {
    local outer=$WORK/outer
    expect "programs of ours" "" "$(find "$outer/build/subprojects" -type f -perm -u+x ! -name 'libtapio.so.*' ! -name 'libtapio.a')"
    DESTDIR=$WORK/outer-root meson install -C "$outer/build" --no-rebuild --quiet >"$WORK/log" 2>&1
    expect "the tool" "" "$(find "$WORK/outer-root" -name tapio -type f)"
    [[ -n $(find "$WORK/outer-root" -name tapio.pc) ]]
    meson setup --reconfigure "$outer/build" "$outer" -Dtapio:tools=true -Dtapio:examples=true >"$WORK/log" 2>&1
    ninja -C "$outer/build" -t targets all >"$WORK/log" 2>&1
    grep -q '^subprojects/tapio/tapio: ' "$WORK/log"
    grep -q '^subprojects/tapio/echo_server: ' "$WORK/log"
}

try "it installs" installs
PREFIX=$(dirname "$(find "$WORK/root" -path '*/bin' -type d)")
LIB=$(dirname "$(find "$WORK/root" -name libtapio.a)")
ALONE="two_stacks ip_packets own_device"
try "the library, its headers, tapio.pc, the tool, its pages, and nothing else" the_right_files
try "tapio exec finds its shim" the_shim
try "tapio.pc says how to link" the_pc_file
try "both libraries export what the headers declare, and nothing else" only_public_symbols
try "each header stands alone, in C11 and in C++" each_header_alone
try "C++ finds every function" from_cpp
try "each example compiles as its first lines say, shared and static" each_example
try "the examples that need no TAP run against what was installed" examples_run
try "another project builds and runs one by dependency('tapio')" outer_project
try "and gets the library alone, unless it asks for more" nothing_but_the_library
finish
