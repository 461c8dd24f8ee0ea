#!/usr/bin/env bash
# Builds the image, and with --push pushes it to Amazon ECR. `./docker-build.sh --help` lists the options.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

# The limit of the unpacked image's size in bytes. Every new instance has to pull the image first.
BUDGET=25000000

usage() {
    cat <<'HELP'
Builds byoc's image, for SageMaker and for docker compose, and pushes it to Amazon ECR.

    ./docker-build.sh [OPTIONS]

    --tag NAME[:TAG]       the name of the image [default: byoc:latest]; with --push also a full name, such as
                           123456789012.dkr.ecr.eu-west-1.amazonaws.com/byoc:1 or that of another registry
    --platform PLATFORM    linux/amd64, or linux/arm64 for Graviton instances [default: linux/amd64]
    --engine ENGINE        docker, podman or buildah [default: the first of them that answers]
    --rust WHERE           host: this machine's cargo builds the binary; no base image is needed
                           image: a container from docker.io/library/rust builds it; Rust need not be installed
                           [default: host if it has cargo and the libraries for the platform, else image]
    --push                 create the ECR repository if it is missing, log in, push
    --dry-run              print the commands and run none; no engine is needed
    --help                 this text

With --push, a NAME without a registry goes to the account of your AWS credentials, in the region of AWS_REGION,
AWS_DEFAULT_REGION or `aws configure`. The image must weigh less than 25 MB; a larger one is an error.
HELP
}

fail() {
    printf 'docker-build.sh: %s\n' "$*" >&2
    exit 1
}

wrong_usage() {
    printf 'docker-build.sh: %s\nTry ./docker-build.sh --help\n' "$*" >&2
    exit 64
}

say() { printf '\n== %s\n' "$*" >&2; }

tag=byoc:latest
platform=linux/amd64
engine=
rust=
push=
dry_run=

while [ $# -gt 0 ]; do
    option=$1
    value=
    case $option in
        --tag=* | --platform=* | --engine=* | --rust=*) value=${option#*=} option=${option%%=*} ;;
        --tag | --platform | --engine | --rust)
            [ $# -ge 2 ] || wrong_usage "$option needs a value"
            value=$2
            shift
            ;;
    esac
    case $option in
        --tag) tag=$value ;;
        --platform) platform=$value ;;
        --engine) engine=$value ;;
        --rust) rust=$value ;;
        --push) push=yes ;;
        --dry-run) dry_run=yes ;;
        --help | -h) usage && exit 0 ;;
        *) wrong_usage "unknown option $1" ;;
    esac
    shift
done

case $platform in
    linux/amd64 | linux/arm64) ;;
    *)
        wrong_usage "--platform is \"$platform\": expected linux/amd64 or linux/arm64, one at a time:" \
            "SageMaker takes no image of several platforms"
        ;;
esac
architecture=${platform#linux/}

# As in Docker, a registry has a dot or a port; a name without either is a repository.
registry=
repository=$tag
case ${tag%%/*} in
    "$tag") ;;
    *.* | *:* | localhost) registry=${tag%%/*} repository=${tag#*/} ;;
esac
version=${repository##*:}
[ "$version" != "$repository" ] || version=latest
repository=${repository%:"$version"}
[[ $repository =~ ^[a-z0-9]+([._/-]+[a-z0-9]+)*$ && $version =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]] \
    || wrong_usage "--tag is \"$tag\": expected NAME:TAG, the name in small letters, such as byoc:0.1.0"

# Runs a command, or prints it so that it can be copied.
run() {
    if [ -n "$dry_run" ]; then
        printf '%q ' "$@" | sed 's/ $//'
        echo
    else
        "$@"
    fi
}

answers() {
    case $1 in
        # The client answers without its server; ask the server.
        docker) command -v docker >/dev/null && docker version --format '{{.Server.Version}}' >/dev/null 2>&1 ;;
        podman) command -v podman >/dev/null && podman info >/dev/null 2>&1 ;;
        buildah) command -v buildah >/dev/null && buildah images >/dev/null 2>&1 ;;
    esac
}

case $engine in
    "" | docker | podman | buildah) ;;
    *) wrong_usage "--engine is \"$engine\": expected docker, podman or buildah" ;;
esac
# A dry run prints the commands even for an engine that does not answer.
if [ -n "$dry_run" ]; then
    for found in docker podman buildah; do
        [ -z "$engine" ] || break
        ! answers "$found" || engine=$found
    done
    if [ -z "$engine" ]; then
        engine=docker
        say "none of docker, podman and buildah answers: these are the commands for docker (--engine chooses another)"
    fi
elif [ -n "$engine" ]; then
    answers "$engine" \
        || fail "$engine is not installed or does not answer; start it, or leave out --engine to try the others"
else
    for engine in docker podman buildah none; do
        [ "$engine" != none ] \
            || fail "none of docker, podman and buildah answers; start Docker, or install podman" \
                "(apt-get install podman)"
        ! answers "$engine" || break
    done
fi

# Prints what this machine lacks to build the binary itself, or nothing.
missing_on_host() {
    local target
    [ "$(uname -s)" = Linux ] || { echo "Linux" && return; }
    command -v cargo >/dev/null || { echo "cargo" && return; }
    case $architecture in amd64) target=x86_64-unknown-linux-gnu ;; arm64) target=aarch64-unknown-linux-gnu ;; esac
    [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] || { echo "Rust's library for $target" && return; }
    case $(rustc -vV) in
        *"host: $target"*) ;;
        *) command -v "${target%%-*}-linux-gnu-gcc" >/dev/null || echo "${target%%-*}-linux-gnu-gcc" ;;
    esac
}

case $rust in
    host | image) ;;
    "")
        rust=host
        if [ -n "$(missing_on_host)" ]; then
            rust=image
            say "Rust builds in a container: this machine lacks $(missing_on_host) (--rust host says how to install it)"
        fi
        ;;
    *) wrong_usage "--rust is \"$rust\": expected host or image" ;;
esac

# The registry to push to is found before the build, which takes minutes. With --dry-run, the commands that would find
# it are only printed.
to=nowhere
ecr='^([0-9]{12})\.dkr\.ecr(-fips)?\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$'
if [ -n "$push" ] && { [ -z "$registry" ] || [[ $registry =~ $ecr ]]; }; then
    [ -n "$dry_run" ] || command -v aws >/dev/null \
        || fail "--push needs the AWS CLI (https://aws.amazon.com/cli/), or log in and push by hand: $engine push"
fi
if [ -z "$push" ]; then
    :
elif [ -z "$registry" ]; then
    to=ecr
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
    if [ -z "$region" ] && command -v aws >/dev/null; then region=$(aws configure get region || true); fi
    [ -n "$region" ] || fail "--push needs a region: set AWS_REGION, or give the registry in --tag"
    whose=(aws sts get-caller-identity --region "$region" --query Account --output text)
    domain=amazonaws.com
    case $region in cn-*) domain=amazonaws.com.cn ;; esac
    if [ -n "$dry_run" ]; then
        echo "account=\$(${whose[*]})"
        registry="\${account}.dkr.ecr.$region.$domain"
    else
        account=$("${whose[@]}") \
            || fail "--push: no valid AWS credentials; log in (aws sso login, aws configure)" \
                "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        registry=$account.dkr.ecr.$region.$domain
    fi
elif [[ $registry =~ $ecr ]]; then
    to=ecr
    region=${BASH_REMATCH[3]}
else
    to=elsewhere
fi

crate_version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)

# SageMaker accepts only Docker manifests, neither OCI manifests nor lists: otherwise CreateModel fails with
# "Unsupported manifest media type" (aws/amazon-sagemaker-feedback#180).
case $engine in
    docker)
        build=(docker build)
        # BuildKit adds an attestation, which makes it write an OCI index. The classic builder does neither, and lacks
        # these options.
        buildx=(docker buildx build --provenance=false --sbom=false --output type=docker)
        if docker buildx version >/dev/null 2>&1; then
            build=("${buildx[@]}")
        elif [ -n "$dry_run" ] && ! command -v docker >/dev/null; then
            build=("${buildx[@]}")
        elif [ "$rust" = image ]; then
            needed="to build Rust in a container, Docker needs BuildKit: install the docker-buildx plugin,"
            needed+=" or what this machine lacks to build it: $(missing_on_host)"
            [ -n "$dry_run" ] || fail "$needed"
            say "$needed"
            build=("${buildx[@]}")
        fi
        ;;
    podman | buildah)
        case $(uname -m) in aarch64 | arm64) own=linux/arm64 ;; *) own=linux/amd64 ;; esac
        build=("$engine" build --format docker --build-arg "BUILDPLATFORM=$own")
        ;;
esac
build+=(--platform "$platform" --build-arg "VERSION=$crate_version" --build-arg "REVISION=$revision" --tag "$tag")

if [ "$rust" = host ]; then
    cargo=$(cargo --version 2>/dev/null || echo 'cargo, which is not installed')
    say "the binary for $platform, by this machine's $cargo"
    run container/build "$architecture"
    say "the image, by $engine"
    run "${build[@]}" --file container/Dockerfile --target prebuilt "target/image/$architecture"
else
    say "the binary for $platform and the image, by $engine"
    run "${build[@]}" --file container/Dockerfile .
fi

# The image's size in bytes, unpacked.
size_of_image() {
    case $engine in
        docker | podman) "$engine" image inspect --format '{{.Size}}' "$tag" ;;
        buildah)
            local archive
            archive=$(mktemp -d)
            buildah push --quiet "$tag" "docker-archive:$archive/image.tar" >&2
            wc -c <"$archive/image.tar"
            rm -r "$archive"
            ;;
    esac
}

architecture_of_image() {
    case $engine in
        docker | podman) "$engine" image inspect --format '{{.Architecture}}' "$tag" ;;
        buildah) buildah inspect --type image --format '{{.OCIv1.Architecture}}' "$tag" ;;
    esac
}

if [ -z "$dry_run" ]; then
    [ "$(architecture_of_image)" = "$architecture" ] \
        || fail "$engine made an image for $(architecture_of_image), not for $architecture"
    size=$(size_of_image)
    say "$tag for $platform: $size bytes of at most $BUDGET"
    [ "$size" -lt "$BUDGET" ] \
        || fail "the image has $size bytes, the budget is $BUDGET; \`cargo tree -e normal\` shows what is in it," \
            "docs/architecture.md what keeps it small"
fi

[ -n "$push" ] || exit 0

if [ "$to" = elsewhere ]; then
    say "push to $registry"
    run "$engine" push "$tag"
    exit 0
fi

full_name=$registry/$repository:$version
in_ecr=(--region "$region" --repository-name "$repository")
create=(aws ecr create-repository "${in_ecr[@]}" --image-scanning-configuration scanOnPush=true)
login=("$engine" login --username AWS --password-stdin)
media_type='application/vnd.docker.distribution.manifest.v2+json'

if [ -n "$dry_run" ]; then
    printf 'aws ecr describe-repositories --region %q --repository-names %q >/dev/null || ' "$region" "$repository"
    run "${create[@]}"
    printf 'aws ecr get-login-password --region %q | %s %s\n' "$region" "${login[*]}" "$registry"
    [ "$tag" = "$full_name" ] || printf '%s tag %q "%s"\n' "$engine" "$tag" "$full_name"
    printf '%s push "%s"\n' "$engine" "$full_name"
    printf 'aws ecr describe-images --region %q --repository-name %q --image-ids imageTag=%q --query %q' \
        "$region" "$repository" "$version" 'imageDetails[0].imageManifestMediaType'
    printf ' --output text  # %s\n' "$media_type"
    exit 0
fi

say "the repository $repository in $region"
if ! answer=$(aws ecr describe-repositories --region "$region" --repository-names "$repository" 2>&1); then
    case $answer in
        *RepositoryNotFoundException*) "${create[@]}" --query repository.repositoryArn --output text ;;
        *) fail "could not find out whether ECR has a repository $repository: $answer" ;;
    esac
fi

say "push $full_name"
aws ecr get-login-password --region "$region" | "${login[@]}" "$registry"
[ "$tag" = "$full_name" ] || "$engine" tag "$tag" "$full_name"
"$engine" push "$full_name"

pushed=$(aws ecr describe-images "${in_ecr[@]}" --image-ids "imageTag=$version" \
    --query 'imageDetails[0].imageManifestMediaType' --output text)
[ "$pushed" = "$media_type" ] \
    || fail "the image was pushed as $pushed, and SageMaker takes $media_type only; try --engine podman or buildah"
say "pushed: Image for CreateModel is $full_name"
