#!/usr/bin/env bash
# Makes a branch hold the notebooks of a folder and nothing else: push-notebooks.sh FOLDER BRANCH
# One commit without a past, so that the repository does not grow with each page that is published.
set -euo pipefail
folder=$1 branch=$2
notebooks=("$folder"/*.ipynb)
test -f "${notebooks[0]}" || { echo "error: no notebooks in $folder: run make notebooks"; exit 2; }

source=$(git rev-parse HEAD)
# Index and tree of their own: the checkout stays as it is.
GIT_INDEX_FILE=$(mktemp -u)
export GIT_INDEX_FILE
trap 'rm -f "$GIT_INDEX_FILE"' EXIT
for notebook in "${notebooks[@]}"; do
  git update-index --add --cacheinfo "100644,$(git hash-object -w "$notebook"),$(basename "$notebook")"
done
author=(-c user.name='github-actions[bot]' -c user.email='github-actions[bot]@users.noreply.github.com')
commit=$(git "${author[@]}" commit-tree -m "Clean notebooks of $source" "$(git write-tree)")
git push --force origin "$commit:refs/heads/$branch"
echo "${#notebooks[@]} notebooks of $source are on branch $branch"
