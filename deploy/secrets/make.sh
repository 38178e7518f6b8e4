#!/bin/sh
# Makes the secret files that are missing, random. Containers read them under other users' ids, hence mode 644; the folder's
# mode keeps other users of this machine out.
set -eu
cd "$(dirname "$0")"
for example in *.example; do
    file=${example%.example}
    [ -s "$file" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "$file"
    chmod 644 "$file"
done
chmod 700 .
