# Unpacks the packages of one unit into $out and makes them work there. Runs in busybox's shell (every command below is its own applet,
# but for patchelf); debian.nix sets the variables. The steps: unpack; drop documentation; /usr, sbin and games merged into the top; links
# and scripts pointed at the store; loader and library path set; wrappers where programs need an environment.
set -o pipefail
umask 022
work=$PWD
multiarch=lib/x86_64-linux-gnu

patchelf() {
  "$patcher/ld-linux-x86-64.so.2" --library-path "$patcher" "$patcher/patchelf" "$@"
}
tcc() {
  "$patcher/ld-linux-x86-64.so.2" --library-path "$patcher" "$patcher/tcc" -nostdinc "-B$patcher/lib" "-L$patcher" "$@"
}

# --- unpack -----------------------------------------------------------------------------------------------------------------------
mkdir -p "$out"
cd "$out"

# MEMBER DEB: sets inflate to what unpacks an archive of that name.
chooseInflate() {
  case $1 in
    *.xz) inflate=xzcat ;;
    *.gz) inflate=zcat ;;
    *.bz2) inflate=bzcat ;;
    *.tar) inflate=cat ;;
    *) echo "unit.sh: $2 is packed in a way this set cannot read ($1)" >&2; return 1 ;;
  esac
}

# DEB NUMBER
unpack() {
  local member control inflate
  member=$(ar t "$1" | grep '^data\.tar')
  chooseInflate "$member" "$1"
  ar p "$1" "$member" | "$inflate" | tar -x -o --no-same-permissions -f -
  control=$(ar t "$1" | grep '^control\.tar')
  chooseInflate "$control" "$1"
  # update-alternatives makes links when a package is installed; its arguments are read, nothing is run
  ar p "$1" "$control" | "$inflate" | tar -x -o -O -f - ./postinst 2>/dev/null | sed -e ':join' -e '/\\$/{N;s/\\\n/ /;b join' -e '}' | awk '
    # in `text`, the value for $name and ${name}; a name that only begins so loses its sign and will name nothing
    function fill(text, name, value) {
      gsub("[$][{]" name "[}]", value, text)
      gsub("[$]" name "($|[^A-Za-z0-9_])", value "&", text)
      gsub("[$]" name, "", text)
      return text
    }
    /^[ \t]*[A-Za-z_]+=[^ $`();|&]+$/ {
      name = $1; sub(/=.*/, "", name); value = $1; sub(/^[^=]*=/, "", value); gsub(/["\047]/, "", value)
      values[name] = value
    }
    /^[ \t]*for [A-Za-z_]+ in [^$`()|&]+$/ {
      loop = $2; words = $0; sub(/^.* in /, "", words); sub(/;.*/, "", words); gsub(/["\047]/, "", words)
    }
    /^[ \t]*done/ { loop = "" }
    /update-alternatives.*--install/ {
      text = $0
      for (name in values) text = fill(text, name, values[name])
      if (loop == "") { print text; next }
      count = split(words, list, " ")
      for (i = 1; i <= count; i++) print fill(text, loop, list[i])
    }' > "$work/alternatives.$2" || true
}
# Packages of one unit have no file in common, so they are unpacked side by side.
number=0 running=
cores=${NIX_BUILD_CORES:-1}
[ "$cores" -gt 0 ] || cores=1
for deb in $debs; do
  number=$((number + 1))
  (set -e; unpack "$deb" "$number") &
  running="$running $!"
  if [ $((number % cores)) -eq 0 ]; then
    for process in $running; do wait "$process"; done
    running=
  fi
done
for process in $running; do wait "$process"; done
index=0
while [ "$index" -lt "$number" ]; do
  index=$((index + 1))
  cat "$work/alternatives.$index"
done > "$work/alternatives"

# a builder may not set these bits, and nothing in the store has them
chmod -R u+w,u-s,g-s .
for folder in doc man info locale lintian bug doc-base gnome/help help menu gtk-doc; do rm -rf "usr/share/$folder"; done
rm -rf lib/systemd usr/lib/systemd etc/init.d etc/default etc/cron.* etc/logrotate.d "usr/$multiarch/gconv" var run
case $debs in *-dbg_* | *-dbgsym_*) ;; *) rm -rf usr/lib/debug ;; esac

# --- links: where each one points in Debian's tree, computed before folders move ------------------------------------------------------
find . -type l -print0 | xargs -0 -r stat -c '%N' | awk -F "' -> '" '
  function canonical(path) { sub(/^\/usr\//, "/", path); sub(/^\/(sbin|games)\//, "/bin/", path); return path }
  function normal(path,   parts, n, i, depth, stack, text) {
    n = split(path, parts, "/"); depth = 0
    for (i = 1; i <= n; i++) {
      if (parts[i] == "" || parts[i] == ".") continue
      if (parts[i] == "..") { if (depth > 0) depth--; continue }
      stack[++depth] = parts[i]
    }
    text = ""
    for (i = 1; i <= depth; i++) text = text "/" stack[i]
    return text
  }
  {
    at = substr($1, 3); target = substr($2, 1, length($2) - 1)
    folder = at; sub(/\/[^\/]*$/, "", folder)
    to = canonical(normal(target ~ /^\// ? target : folder "/" target))
    at = substr(canonical(at), 2)
    up = at; gsub(/[^\/]+/, "..", up); sub(/\.\.$/, "", up)
    print at "\t" substr(to, 2) "\t" up substr(to, 2)
  }' > "$work/links"

# Moves what a folder holds into another one, folder by folder; of two files with one name the first stays.
merge() {
  local entry target
  for entry in "$1"/* "$1"/.[!.]*; do
    [ -e "$entry" ] || [ -L "$entry" ] || continue
    target=$2/${entry##*/}
    if [ -d "$entry" ] && [ ! -L "$entry" ] && [ -d "$target" ] && [ ! -L "$target" ]; then
      merge "$entry" "$target"
    elif [ -e "$target" ] || [ -L "$target" ]; then
      rm -rf "$entry"
    else
      mv "$entry" "$target"
    fi
  done
  rmdir "$1" 2>/dev/null || true
}
for folder in usr/sbin usr/games usr/bin sbin bin; do
  if [ -d "$folder" ] && [ ! -L "$folder" ]; then
    mkdir -p .programs
    merge "$folder" .programs
  fi
done
if [ -d usr ]; then merge usr .; fi
if [ -d .programs ]; then
  rm -rf bin
  mv .programs bin
  rmdir bin 2>/dev/null || ln -s bin sbin
fi

# A second name of one file would be a second copy in the store.
find . -type f -links +1 -exec stat -c '%i %n' {} + | sort -k 1,1n -k 2 | awk '
  {
    name = $0; sub(/^[0-9]+ \.\//, "", name)
    if ($1 != inode) { inode = $1; first = name; next }
    up = name; gsub(/[^\/]+/, "..", up); sub(/\.\.$/, "", up)
    print name "\t" up first
  }' > "$work/names"
while IFS=$(printf '\t') read -r at target; do ln -sf "$target" "$at"; done < "$work/names"

# $found: the path in this unit or one it depends on. The libc's own unit depends on nothing.
lookup() {
  local unit
  if [ -e "$1" ] || [ -L "$1" ]; then found=$out/$1; return 0; fi
  for unit in $dependencies $further $essential; do
    if [ -e "$unit/$1" ]; then found=$unit/$1; return 0; fi
  done
  return 1
}
tab=$(printf '\t')
newline='
'
while IFS=$tab read -r at to relative; do
  [ -L "$at" ] || continue
  if [ -e "$to" ] || [ -L "$to" ]; then
    ln -sfn "$relative" "$at"
  elif lookup "$to"; then
    ln -sfn "$found" "$at"
  fi
done < "$work/links"

# NAME of each alternative: "--install LINK NAME PATH PRIORITY", then "--slave LINK NAME PATH" any number of times.
if [ -s "$work/alternatives" ]; then
  tr -s ' \t' '\n\n' < "$work/alternatives" | awk '
    $1 == "--install" || $1 == "--slave" { getline link; getline name; getline path; print link "\t" path }' > "$work/chosen"
  while IFS=$tab read -r link path; do
    case $link$path in *[\$\"\'\`]*) continue ;; esac
    link=${link#/}; link=${link#usr/}; path=${path#/}; path=${path#usr/}
    case $link in sbin/* | games/*) link=bin/${link#*/} ;; esac
    case $path in sbin/* | games/*) path=bin/${path#*/} ;; esac
    if [ -e "$path" ] && [ ! -e "$link" ] && [ ! -L "$link" ]; then
      mkdir -p "${link%/*}"
      ln -s "$out/$path" "$link"
    fi
  done < "$work/chosen"
fi

# --- interpreters with their modules ---------------------------------------------------------------------------------------------
# $1 name, $2 variable, $3 folders: a wrapper that scripts of this unit name in their first line, where units below have modules.
interpreter() {
  local path unit folder
  lookup "bin/$1" || return 0
  program=$found
  path=
  for unit in "$out" $dependencies $further; do
    for folder in $3; do
      if [ -d "$unit/$folder" ]; then path=$path${path:+:}$unit/$folder; fi
    done
  done
  [ -n "$path" ] || return 0
  mkdir -p libexec/debpkgs
  printf '#!%s/bin/dash\n%s=%s${%s:+:$%s}\nexport %s\nexec %s "$@"\n' "${essential%% *}" "$2" "$path" "$2" "$2" "$2" "$program" > "libexec/debpkgs/$1"
  chmod +x "libexec/debpkgs/$1"
}
if [ -d bin ] && [ -n "$essential" ]; then
  interpreter python3 PYTHONPATH lib/python3/dist-packages
  interpreter perl PERL5LIB "share/perl5 $multiarch/perl5/5.36"
  interpreter node NODE_PATH "share/nodejs lib/nodejs $multiarch/nodejs"
  interpreter ruby RUBYLIB "lib/ruby/vendor_ruby $multiarch/ruby/vendor_ruby/3.1.0"
fi

# --- files -----------------------------------------------------------------------------------------------------------------------
rpath=
for folder in "$out/$multiarch" "$out/lib"; do
  case $(echo "$folder"/*.so*) in "$folder/*.so*") ;; *) rpath=$rpath${rpath:+:}$folder ;; esac
done
for unit in $dependencies $libc; do
  for folder in "$unit/$multiarch" "$unit/lib"; do
    case $(echo "$folder"/*.so*) in "$folder/*.so*") continue ;; esac
    case :$rpath: in *:"$folder":*) ;; *) rpath=$rpath${rpath:+:}$folder ;; esac
  done
done

# The store's path of an interpreter named in a first line; fails where there is none.
interpreterPath() {
  local name=${1##*/}
  if [ -x "libexec/debpkgs/$name" ]; then found=$out/libexec/debpkgs/$name; return 0; fi
  # Debian's sh is dash, though bash brings a link of that name too
  case $1 in /bin/sh | /usr/bin/sh) name=dash ;; esac
  lookup "bin/$name"
}

# Debian's paths in a text become the store's, for programs and data of this unit and those it depends on.
editText() {
  grep -oE "/usr/($multiarch|lib|libexec|share|s?bin|games)/[A-Za-z0-9_.+@-]+|/s?bin/[A-Za-z0-9_.+-]{3,}" "$1" 2>/dev/null | sort -ru > "$work/named" || true
  while IFS= read -r path; do
    program=${path#/usr}
    case $program in
      /sbin/* | /games/*) program=/bin/${program##*/} ;;
      /lib/x86_64-linux-gnu) continue ;;
    esac
    if lookup "${program#/}"; then
      echo "$path $found"
    elif [ "${path%-}" != "$path" ]; then
      # the beginning of a name that the script completes, like /usr/share/aclocal-
      case $(echo "$out$program"*) in *'*') ;; *) echo "$path $out$program" ;; esac
    fi
  done < "$work/named" | awk '{
      name = $1; gsub(/[].[*^$\\]/, "\\\\&", name)
      edit = "s|\\(^\\|[^A-Za-z0-9_.-]\\)" name "\\([^A-Za-z0-9_.+@-]\\|$\\)|\\1" $2 "\\2|g"
      # twice: one match ends with the sign that the next begins with
      print edit; print edit
    }' > "$work/edits"
  if [ -s "$work/edits" ]; then sed -i -f "$work/edits" "$1"; fi
}

# "#!/usr/bin/env NAME ARG" and "#!/path/NAME ARG" alike.
patchScript() {
  local first program rest
  IFS= read -r first < "$1" || return 0
  first=${first#'#!'}
  set -f
  set -- "$1" $first
  set +f
  [ $# -ge 2 ] || return 0
  program=$2
  file=$1
  shift 2
  case $program in
    */env) [ $# -ge 1 ] || return 0; program=$1; shift; case $program in -*) return 0 ;; esac ;;
  esac
  if interpreterPath "$program"; then
    rest="$*"
    sed -i "1s|.*|#!$found${rest:+ $rest}|" "$file"
  fi
  editText "$file"
}

patchBinary() {
  local old part unit path=$rpath loader=
  # PERF: both questions in one start, since each reads the file whole (cc1 has 32 MB)
  case $1 in
    *.so | *.so.*) ;;
    *) loader=$(patchelf --print-interpreter --print-rpath "$1" 2>/dev/null) || loader= ;;
  esac
  case $loader in
    '') old=$(patchelf --print-rpath "$1" 2>/dev/null) || return 0 ;;
    *"$newline"*) old=${loader#*"$newline"} loader=${loader%%"$newline"*} ;;
    *) old= ;;
  esac
  if [ -n "$old" ]; then
    path=
    for part in $(echo "$old" | tr ':' ' '); do
      case $part in
        /usr/lib* | /lib*)
          # a private folder, which several packages may fill
          part=${part#/usr}
          for unit in "$out" $dependencies $further; do
            if [ -d "$unit$part" ]; then path=$path${path:+:}$unit$part; fi
          done
          ;;
        *) path=$path${path:+:}$part ;;
      esac
    done
    path=$path${path:+:}$rpath
  fi
  # a Go program that is no position-independent one does not survive new sections: its loader is started by name instead
  if [ -n "$loader" ] && [ "$(xxd -s 16 -l 1 -p "$1")" = 02 ] && grep -q 'Go build ID: ' "$1"; then
    mv "$1" "${1%/*}/.${1##*/}-program"
    printf '#!%s/bin/dash\nexec %s --library-path %s --argv0 "$0" %s "$@"\n' "${essential%% *}" "$libc/$multiarch/ld-linux-x86-64.so.2" \
      "$path" "$out/${1%/*}/.${1##*/}-program" | sed 's|/\./|/|g' > "$1"
    chmod +x "$1"
    return 0
  fi
  case $loader in
    '') patchelf --force-rpath --set-rpath "$path" "$1" ;;
    /lib64/ld-linux-x86-64.so.2) patchelf --set-interpreter "${libc:-$out}/$multiarch/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$path" "$1" ;;
  esac
}

# --- paths compiled into libraries -----------------------------------------------------------------------------------------------------
# "FROM=TO" words, see quirks.nix
if [ -n "${relocate-}" ]; then
  find . -type f -name '*.so*' > "$work/libraries"
  while IFS= read -r file; do
    set -- "$file"
    for setting in $relocate; do
      to=${setting#*=}
      case $to in
        *'$out'*) to=$(echo "$to" | sed "s|[$]out|$out|g") ;;
        /*) ;;
        *) to=$out/$to ;;
      esac
      # busybox's grep reads a line up to its first zero byte only; -c reads to the end, which `strings` wants
      if strings "$file" | grep -cxF "${setting%%=*}" > /dev/null; then set -- "$@" "${setting%%=*}" "$to"; fi
    done
    if [ $# -gt 1 ]; then tcc -run "$relocator" "$@"; fi
  done < "$work/libraries"
fi

if [ -n "$libc" ]; then
  find . -type f \( -perm -0100 -o -name '*.so' -o -name '*.so.*' \) > "$work/files"
  while IFS= read -r file; do
    case $(xxd -p -l 4 "$file") in
      7f454c46)
        patchBinary "$file"
        ;;
      2321*) patchScript "$file" ;;
    esac
  done < "$work/files"
  # settings and modules of programs
  if [ -d bin ] || [ -d libexec ]; then
    find share lib libexec -type f ! -perm -0100 2>/dev/null \
      | grep -E '\.(cfg|conf|ini|properties|pm|pl|py|rb|sh|bash|lua|tcl|m4|cmake|php|inc|js|cjs|mjs|json|xml)$' | tr '\n' '\0' \
      | xargs -0 -r grep -lE '/usr/(lib|libexec|share|s?bin|games)/' > "$work/texts" || true
    while IFS= read -r file; do editText "$file"; done < "$work/texts"
  fi
else
  # The loader must not read the host's cache and preload list: their names are replaced by ones of the same length that exist nowhere.
  loader=$multiarch/ld-linux-x86-64.so.2
  [ -L "$loader" ] && loader=$(readlink -f "$loader")
  for name in /etc/ld.so.cache /etc/ld.so.preload; do
    strings -t d "$loader" | awk -v name="$name" '$2 == name { print $1 }' | while read -r offset; do
      printf '/nix/%s' "$(echo "$name" | sed 's|^/etc/||' | tr . -)" | dd of="$loader" bs=1 seek="$offset" conv=notrunc 2>/dev/null
    done
  done
fi

# pkg-config files and NAME-config scripts name Debian's prefix
for file in "$multiarch"/pkgconfig/*.pc lib/pkgconfig/*.pc share/pkgconfig/*.pc bin/*-config; do
  [ -f "$file" ] && [ ! -L "$file" ] || continue
  [ "$(xxd -p -l 4 "$file")" = 7f454c46 ] && continue
  sed -i -e "s|^\(exec_\)\{0,1\}prefix=/usr\$|\1prefix=$out|" -e "s|=/usr/\(lib\|include\|share\|bin\)|=$out/\1|g" -e "s|\([-][IL]\)/usr/|\1$out/|g" "$file"
done

# Linker scripts of development packages name libraries by their plain names, which the linker would look for in its own folders.
for file in "$multiarch"/*.so; do
  [ -f "$file" ] && [ ! -L "$file" ] && grep -qE '^ *(INPUT|GROUP)' "$file" || continue
  for word in $(grep -oE '(^|[ (])lib[A-Za-z0-9_+.-]+\.so[0-9.]*' "$file" | tr -d ' ('); do
    if lookup "$multiarch/$word"; then sed -i "s|\([ (]\)$word\([ )]\)|\1$found\2|g" "$file"; fi
  done
done

# --- packages without files --------------------------------------------------------------------------------------------------------
# One that only names others stands for their programs.
if [ -n "$metapackage" ]; then
  mkdir -p bin
  for unit in $dependencies; do
    for program in "$unit"/bin/*; do
      if [ -e "$program" ] && [ ! -e "bin/${program##*/}" ]; then ln -s "$program" bin/; fi
    done
  done
fi

# --- the redirecting library ---------------------------------------------------------------------------------------------------------
# FILE: whether it names a path below /usr that is in this unit or one it depends on.
namesPaths() {
  strings "$1" | grep -oE '^/usr/(share|lib|libexec|s?bin)/[A-Za-z0-9_.+/-]+' | sort -u > "$work/named" || return 1
  while IFS= read -r path; do
    path=${path#/usr/}
    path=${path%/}
    case $path in
      lib/locale | share/locale | share/zoneinfo | "$multiarch") continue ;;
      sbin/*) path=bin/${path#*/} ;;
    esac
    for unit in "$out" $dependencies; do
      if [ -e "$unit/$path" ]; then return 0; fi
    done
  done < "$work/named"
  return 1
}
redirects=${always-}
if [ -n "${redirect-}" ] && [ -z "$redirects" ] && [ -d bin ]; then
  while IFS= read -r file; do
    if [ "$(xxd -p -l 4 "$file")" = 7f454c46 ] && namesPaths "$file"; then
      redirects=1
      break
    fi
  done < "$work/files"
fi
if [ -n "$redirects" ]; then
  roots=
  for unit in "$out" $dependencies $further; do
    if [ -d "$unit/share" ] || [ -d "$unit/lib" ] || [ -d "$unit/etc" ]; then roots=$roots$unit'\0'; fi
  done
  mkdir -p lib/debpkgs
  tcc -nostdlib -shared -Wl,-soname,redirect.so -DROOTS="\"$roots\"" -o lib/debpkgs/redirect.so "$redirect"
  while IFS= read -r file; do
    [ "$(xxd -p -l 4 "$file")" = 7f454c46 ] || continue
    patchelf --print-interpreter "$file" >/dev/null 2>&1 || continue
    patchelf --add-needed "$out/lib/debpkgs/redirect.so" "$file"
  done < "$work/files"
fi

# --- wrappers ----------------------------------------------------------------------------------------------------------------------
if [ -n "$programEnvironment" ]; then
  # Programs keep their names and the distance to their data: bin/NAME starts .bin/NAME.
  mv bin .bin
  mkdir bin
  : > "$work/environment"
  for setting in $programEnvironment; do
    name=${setting%%=*}
    case ${setting#*=} in
      /*) value=${setting#*=} ;;
      *) value=$(echo "${setting#*=}" | sed "s|\(^\|:\)\([^:]\)|\1$out/\2|g") ;;
    esac
    case $name in
      *+) name=${name%+}; printf '%s=${%s:+$%s:}%s\nexport %s\n' "$name" "$name" "$name" "$value" "$name" ;;
      *) printf 'export %s="${%s-%s}"\n' "$name" "$name" "$value" ;;
    esac >> "$work/environment"
  done
  for program in .bin/*; do
    name=${program##*/}
    # a second name of a program means the program, not its wrapper, which would lose the name
    if [ -L "$program" ]; then
      target=$(readlink "$program")
      case $target in ../bin/* | "$out"/bin/*) ln -sfn "${target##*/bin/}" "$program" ;; esac
    fi
    { printf '#!%s/bin/dash\n' "${essential%% *}"; cat "$work/environment"; printf 'exec %s/.bin/%s "$@"\n' "$out" "$name"; } > "bin/$name"
    chmod +x "bin/$name"
  done
fi

eval "$extra"

if [ -n "${setupHook-}" ]; then
  mkdir -p nix-support
  sed "s|@out@|$out|g" "$setupHook" > nix-support/setup-hook
fi
if [ -n "$propagated" ]; then
  mkdir -p nix-support
  echo "$propagated" > nix-support/propagated-build-inputs
fi
rmdir share lib etc bin 2>/dev/null || true
true
