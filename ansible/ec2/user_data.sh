#!/bin/bash
# The first program of a fresh instance; 50-web fills in the names in braces. It fetches the bundle of playbooks from
# S3 by its hash, and lets it configure the host. Its log: /var/log/cartwright-boot.log
set -euo pipefail
exec > >(tee -a /var/log/cartwright-boot.log) 2>&1
bundle_url='https://${Bucket}.s3.${AWS::Region}.${AWS::URLSuffix}/${HostsBundleKey}'
bundle_sha256='${HostsBundleSha256}'
imds=http://169.254.169.254/latest

token=$(curl -fsS --retry 5 -X PUT "$imds/api/token" -H 'X-aws-ec2-metadata-token-ttl-seconds: 300')
meta() { curl -fsS --retry 5 "$imds/meta-data/$1" -H "X-aws-ec2-metadata-token: $token"; }
credentials=$(meta "iam/security-credentials/$(meta iam/security-credentials/)")
# Asked now: the token lives for five minutes, and a busy host may take longer to be configured.
instance=$(meta instance-id)
field() { python3 -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$credentials" "$1"; }

# Whether it went well or not, the group that started this instance is told: a host that is not configured is replaced.
# curl signs requests itself, so a fresh host needs no AWS tools.
finish() {
  result=$([ "$1" -eq 0 ] && echo CONTINUE || echo ABANDON)
  curl -fsS --retry 5 --retry-all-errors --aws-sigv4 'aws:amz:${AWS::Region}:autoscaling' \
    --user "$(field AccessKeyId):$(field SecretAccessKey)" -H "x-amz-security-token: $(field Token)" \
    'https://autoscaling.${AWS::Region}.${AWS::URLSuffix}/' \
    --data-urlencode Action=CompleteLifecycleAction --data-urlencode Version=2011-01-01 \
    --data-urlencode 'AutoScalingGroupName=${Group}' --data-urlencode LifecycleHookName=configured \
    --data-urlencode "InstanceId=$instance" --data-urlencode "LifecycleActionResult=$result" || true
}
trap 'finish $?' EXIT

install -d -m 0700 /opt/cartwright-hosts
cd /opt/cartwright-hosts
curl -fsS --retry 5 --retry-all-errors --aws-sigv4 'aws:amz:${AWS::Region}:s3' \
  --user "$(field AccessKeyId):$(field SecretAccessKey)" -H "x-amz-security-token: $(field Token)" \
  -o bundle.tar.gz "$bundle_url"
echo "$bundle_sha256  bundle.tar.gz" | sha256sum --check --quiet
tar -xzf bundle.tar.gz
ansible/ec2/configure.sh '${Part}' '${Stage}' '${AWS::Region}' '${VpcCidr}'
