# What run, test and bench share: finding and installing what is missing, building.
# Plain POSIX sh: the BSDs have no bash, macOS an old one. Sourced with $root,
# the project's folder, and $yes, not empty to install without asking.

build_dir=$root/build
stamp=$build_dir/.ready

# The build that scripts/test is testing just now, if it is.
tested_dir=
case ${BUILD_BIN:-} in
  "$build_dir"/*/bin) tested_dir=${BUILD_BIN%/bin} ;;
esac

case ${CI:-} in
  true | 1) yes=yes ;;
esac

say() {
  printf '%s\n' "$*" >&2
}

die() {
  say "$(basename "$0"): $*"
  exit 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# library MODULE [ARGUMENT...]: what is written in Python.
library() {
  PYTHONPATH=$root/scripts PYTHONSAFEPATH=1 python3 -m "lib.$@"
}

# With less, ccache would not keep what uses precompiled headers.
: "${CCACHE_SLOPPINESS:=pch_defines,time_macros}"
export CCACHE_SLOPPINESS

# ---- What is there -------------------------------------------------------

# Does this compiler know C++20's coroutines?
is_compiler() {
  have "$1" || return 1
  "$1" -std=c++20 -E -x c++ - >/dev/null 2>&1 <<EOF
#include <coroutine>
#ifdef __clang__
#if __clang_major__ < 14
#error too old
#endif
#elif __GNUC__ < 12
#error too old
#endif
EOF
}

# Prints the compiler to use: \$CXX, or the first that will do.
find_compiler() {
  if [ -n "${CXX:-}" ]; then
    is_compiler "$CXX" && command -v "$CXX"
    return
  fi
  for candidate in c++ g++ clang++ \
    g++-16 g++-15 g++-14 g++-13 g++-12 \
    clang++-21 clang++-20 clang++-19 clang++-18 clang++-17 clang++-16 \
    clang++-15 clang++-14; do
    if is_compiler "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

have_cmake() {
  have cmake || return 1
  version=$(cmake --version | sed -n '1s/^cmake version //p')
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  [ "$major" -gt 3 ] || { [ "$major" -eq 3 ] && [ "$minor" -ge 20 ]; }
}

find_ninja() {
  command -v ninja || command -v ninja-build
}

have_header() {
  for folder in ${HEADER_DIRS:-/usr/include /usr/local/include \
    /opt/homebrew/include /opt/local/include /usr/pkg/include}; do
    [ -e "$folder/$1" ] && return 0
  done
  return 1
}

# Prints what is missing, one word each; "all": all that could be.
missing_parts() {
  find_compiler >/dev/null || echo compiler
  have_cmake || echo cmake
  find_ninja >/dev/null || echo ninja
  have_header CLI/App.hpp || echo cli11
  have_header doctest/doctest.h || echo doctest
  have python3 || echo python3
  have git || echo git
  # Tests that are skipped elsewhere need these.
  case ${CI:-} in
    true | 1)
      have pandoc || echo pandoc
      have gvpr || echo graphviz
      have mscgen || echo mscgen
      have socat || echo socat
      have nc || echo netcat
      ;;
  esac
}

# ---- Installing ----------------------------------------------------------

# Prints the name of this system's package manager.
find_manager() {
  for manager in apt-get dnf pacman brew pkg pkg_add pkgin; do
    if have $manager; then
      echo $manager
      return
    fi
  done
  return 1
}

apt_lists_are_empty() {
  set -- /var/lib/apt/lists/*_Packages*
  [ ! -e "$1" ]
}

# Ubuntu 22.04's g++ is too old; its g++-12 is not.
apt_compiler() {
  case $(apt-cache policy g++ 2>/dev/null | sed -n 's/^ *Candidate: *//p') in
    4:[1-9].* | 4:1[01].*) echo g++-12 ;;
    *) echo g++ ;;
  esac
}

# The package that holds a part, nothing if this system has none: CMake then
# fetches the two header libraries.
package_of() {
  case $1:$2 in
    apt-get:compiler) apt_compiler ;;
    dnf:compiler) echo gcc-c++ ;;
    pacman:compiler) echo gcc ;;
    pkgin:compiler) echo gcc12 ;;
    pkg:compiler | pkg_add:compiler) echo llvm ;;
    apt-get:ninja | dnf:ninja | pkgin:ninja) echo ninja-build ;;
    apt-get:cli11) echo libcli11-dev ;;
    dnf:cli11) echo cli11-devel ;;
    brew:cli11 | pkg:cli11 | pacman:cli11) echo cli11 ;;
    apt-get:doctest) echo doctest-dev ;;
    apt-get:netcat) echo netcat-openbsd ;;
    apt-get:gnuplot) echo gnuplot-nox ;;
    dnf:doctest) echo doctest-devel ;;
    brew:doctest | pkg:doctest | pacman:doctest) echo doctest ;;
    pacman:pandoc) echo pandoc-cli ;;
    pacman:python3) echo python ;;
    pkgin:python3) echo python311 ;;
    pkg_add:python3) echo python%3 ;;
    *:compiler | *:cli11 | *:doctest) ;;
    *) echo "$2" ;;
  esac
}

# The one command that installs these packages.
install_command() {
  manager=$1
  shift
  sudo=
  if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ]; then
    sudo='sudo '
    have sudo || { have doas && sudo='doas '; }
  fi
  case $manager in
    apt-get)
      if apt_lists_are_empty; then
        printf '%s' "${sudo}apt-get update && "
      fi
      echo "${sudo}apt-get install -y --no-install-recommends $*"
      ;;
    dnf) echo "${sudo}dnf install -y $*" ;;
    pacman) echo "${sudo}pacman -S --needed --noconfirm $*" ;;
    brew) echo "brew install $*" ;;
    pkg) echo "${sudo}pkg install -y $*" ;;
    pkg_add) echo "${sudo}pkg_add -I $*" ;;
    pkgin) echo "${sudo}pkgin -y install $*" ;;
  esac
}

run_install() {
  # Nobody may be asked anything while it runs; sudo asks the terminal.
  if sh -c "$1" </dev/null >&2; then
    return
  fi
  case $1 in
    *"apt-get update"* | brew*) return 1 ;;
    *apt-get*)
      # Old lists name packages that the server no longer has.
      say "That failed; once more with new package lists."
      sh -c "${1%%apt-get*}apt-get update && $1" </dev/null >&2
      ;;
    *) return 1 ;;
  esac
}

# Installs packages, after asking.
install() {
  manager=$1
  shift
  command=$(install_command "$manager" "$@")
  say "The command for it:"
  say "  $command"
  case $command in
    sudo* | doas*)
      have sudo || have doas || die "run that as root, then this again"
      ;;
  esac
  if [ -z "$yes" ]; then
    if [ ! -t 0 ]; then
      die "run that, then this again; or this with --yes"
    fi
    printf 'Run it now? [Y/n] ' >&2
    read -r answer || answer=n
    case $answer in
      '' | [yY]*) ;;
      *) die "nothing installed, so nothing can be built" ;;
    esac
  fi
  run_install "$command" || die "installing failed"
}

# Finds compiler and tools, installs what is missing; sets $CXX and $ninja. A
# stamp remembers that all was there.
need_tools() {
  if [ "$stamp" -nt "$root/scripts/lib/setup.sh" ]; then
    { read -r known && read -r ninja; } <"$stamp"
    if [ "${CXX:-$known}" = "$known" ]; then
      CXX=$known
      return
    fi
  fi
  parts=$(missing_parts)
  if [ -n "$parts" ]; then
    install_parts $parts
  fi
  CXX=$(find_compiler) ||
    die "no C++ compiler with coroutines: g++ 12 or clang 14, or later"
  ninja=$(find_ninja) || die "no ninja"
  have_cmake || die "no cmake 3.20 or later"
  mkdir -p "$build_dir"
  printf '%s\n' "$CXX" "$ninja" >"$stamp"
}

install_parts() {
  say "Missing here:" "$@"
  if ! manager=$(find_manager); then
    case $(uname -s) in
      Darwin) die "install Homebrew (https://brew.sh), then run this again" ;;
      *) die "no package manager known here: install these by hand" ;;
    esac
  fi
  packages=
  for part in "$@"; do
    packages="$packages $(package_of "$manager" "$part")"
  done
  if [ -n "${packages## }" ]; then
    install "$manager" $packages
  fi
  # Names may have changed behind a path that the shell remembers.
  hash -r
}

# ---- Building ------------------------------------------------------------

# configure_plain FOLDER BUILD_TYPE [CMAKE_OPTION...]: the build of run, bench
# and whoever else needs programs or common/. A test says in $BUILD_BIN that
# there is one already, which scripts/test has configured.
configure_plain() {
  folder=$1
  type=$2
  shift 2
  [ "$folder" != "$tested_dir" ] || return 0
  configure "$folder" "-DCMAKE_BUILD_TYPE=$type" -DASYNCIO_WERROR=ON "$@"
}

# One at a time in build/, where the system has flock: two that configure the
# same folder break each other. The program that is run must not keep the lock.
locked() {
  mkdir -p "$build_dir"
  exec 9>"$build_dir/.lock"
  if have flock; then
    flock -n 9 || {
      show_line "waiting for another build"
      flock 9
      clear_line
    }
  fi
  "$@"
  set -- $?
  exec 9>&-
  return "$1"
}

# configure FOLDER [CMAKE_OPTION...]: unless that has been done already.
configure() {
  locked configure_now "$@"
}

configure_now() {
  folder=$1
  shift
  if have ccache && [ -z "${NO_CACHE:-}" ]; then
    set -- -DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@"
  fi
  wanted="$root $CXX $*"
  if [ -f "$folder/build.ninja" ] && [ -f "$folder/.options" ]; then
    read -r done_with <"$folder/.options"
    [ "$done_with" = "$wanted" ] && return
  fi
  # CMake does not let a folder change its compiler or its place.
  rm -rf "$folder"
  mkdir -p "$folder"
  show_line "configuring ${folder##*/}"
  if ! cmake -S "$root" -B "$folder" -G Ninja \
    "-DCMAKE_MAKE_PROGRAM=$ninja" \
    "-DCMAKE_CXX_COMPILER=$CXX" \
    "$@" >"$folder/configure.log" 2>&1; then
    rm -f "$stamp"
    say
    cat "$folder/configure.log" >&2
    say "$(basename "$0"): cmake failed"
    return 1
  fi
  clear_line
  printf '%s\n' "$wanted" >"$folder/.options"
}

# Reads ninja's output; shows how far it is, and everything if it fails, but
# what says that CMake runs again.
show_progress() {
  label=$1
  log=$2
  status=1
  shown=
  {
    while IFS= read -r line; do
      case $line in
        "exit status "*)
          status=${line#exit status }
          break
          ;;
        '[0/'* | '['*'] Re-'* | '-- '* | 'ninja: Entering'*) ;;
        '['*/*'] '*)
          line=${line#?}
          step=${line%%/*}
          total=${line#*/}
          total=${total%%]*}
          show_step
          ;;
        *) printf '%s\n' "$line" >&3 ;;
      esac
    done
  } 3>"$log"
  if [ -n "$shown" ]; then
    clear_line
  fi
  if [ "$status" -ne 0 ]; then
    cat "$log" >&2
    say "$(basename "$0"): building $label failed"
  fi
  return "$status"
}

# A line each tenth, or on a terminal each time.
show_step() {
  tenth=$((step * 10 / total))
  if [ -t 2 ] || [ $tenth != "$shown" ]; then
    shown=$tenth
    show_line "building $label: $step of $total"
  fi
}

# On a terminal the next one takes its place. The book's outputs, which
# scripts/maintain/walkthrough compares, are those of a second call.
show_line() {
  if [ -n "${WALKTHROUGH_RUNNING:-}" ]; then
    return
  elif [ -t 2 ]; then
    printf '\r%s\033[K' "$1" >&2
  else
    say "$1"
  fi
}

# What follows begins where the line of show_line was.
clear_line() {
  if [ -t 2 ] && [ -z "${WALKTHROUGH_RUNNING:-}" ]; then
    printf '\r\033[K' >&2
  fi
}

# build FOLDER LABEL [TARGET...]: nothing where $ALREADY_BUILT says so, as a test
# of many commands does; each would wait for what others build beside it.
build() {
  [ -z "${ALREADY_BUILT:-}" ] || return 0
  locked build_now "$@"
}

build_now() {
  folder=$1
  label=$2
  shift 2
  {
    NINJA_STATUS='[%f/%t] ' "$ninja" -C "$folder" "$@" 2>&1
    echo "exit status $?"
  } | show_progress "$label" "$folder/build.log"
}

# ---- Stages --------------------------------------------------------------

# Prints the folder's name of a stage given as 3, 03 or 03_coroutines.
stage_name() {
  wanted=${1%/}
  case $wanted in
    stages/* | */stages/*) wanted=${wanted##*/} ;;
  esac
  case $wanted in
    [0-9]) wanted=0$wanted ;;
  esac
  for stage in "$root"/stages/[0-9][0-9]_*; do
    name=${stage##*/}
    case $wanted in
      "$name" | "${name%%_*}")
        echo "$name"
        return
        ;;
    esac
  done
  return 1
}

stage_names() {
  for stage in "$root"/stages/[0-9][0-9]_*; do
    [ -d "$stage" ] && echo "${stage##*/}"
  done
}

processors() {
  getconf _NPROCESSORS_ONLN 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null ||
    echo 2
}
