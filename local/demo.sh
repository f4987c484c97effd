# The walk-through, as a person would type it. local/demo.py runs it where credvend is deployed: CREDVEND_URL,
# CREDVEND_API_ARN, CREDVEND_ROLE_ARN and CREDVEND_LOG_GROUP say where, and the AWS variables are an administrator's.
set -euo pipefail
umask 077
cd "$DEMO_DIRECTORY"
if [ -t 1 ]; then BOLD=$'\e[1m' PLAIN=$'\e[0m'; else BOLD='' PLAIN=''; fi

# The project's own aws command line. Not its script, whose first line breaks in a directory with a space in its name.
aws() { "$AWS_CLI_PYTHON" -m awscli "$@"; }

# And its own credvend, in the same way.
credvend() { "$CREDVEND_CLIENT_PYTHON" -m credvend "$@"; }

title() { printf '\n%s# %s%s\n' "$BOLD" "$1" "$PLAIN"; }

# Secrets are cut on the screen alone: terminals are scrolled back, shared and recorded.
shorten() {
  sed -E -e 's/("(SecretAccessKey|SessionToken)": *"[^"]{4})[^"]*/\1.../g' \
      -e "s/(AWS_(SECRET_ACCESS_KEY|SESSION_TOKEN)='[^']{4})[^']*/\1.../g"
}

run() { # the command comes on standard input, and is run as it is shown
  local command status=0
  command=$(cat)
  printf '\n$ %s\n' "$command"
  eval "$command" > output 2>&1 || status=$?
  shorten < output
  return $status
}

expect() { # in the output of the last command
  grep -q -e "$1" output || { printf 'The demo failed: %s.\n' "$2" >&2; exit 1; }
}

title 'The administrator starts an instance, so that there is something to see'
run <<'COMMAND'
aws ec2 run-instances --image-id ami-0abcdef1234567890 --instance-type t3.micro \
    --query 'Instances[0].InstanceId' --output text
COMMAND
instance=$(cat output)

title 'and makes a user who may do nothing but call credvend,'
run <<'COMMAND'
cat > call-credvend.json <<END
{"Version": "2012-10-17", "Statement": [{
  "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "$CREDVEND_API_ARN/*/*/v1/iam/*"}]}
END
aws iam create-user --user-name assume-role-user --query User.Arn --output text
aws iam put-user-policy --user-name assume-role-user --policy-name call-credvend \
    --policy-document file://call-credvend.json
COMMAND
run <<'COMMAND'
read -r KEY SECRET < <(aws iam create-access-key --user-name assume-role-user \
    --query 'AccessKey.[AccessKeyId, SecretAccessKey]' --output text)
COMMAND

title 'and a role that may work with EC2, and that trusts credvend.'
run <<'COMMAND'
cat > trust-credvend.json <<END
{"Version": "2012-10-17", "Statement": [{
  "Effect": "Allow", "Principal": {"AWS": "278805249149"},
  "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
  "Condition": {"ArnEquals": {"aws:PrincipalArn": "$CREDVEND_ROLE_ARN"}}}]}
END
aws iam create-role --role-name assume-role-role --assume-role-policy-document file://trust-credvend.json \
    --query Role.Arn --output text
aws iam attach-role-policy --role-name assume-role-role \
    --policy-arn arn:aws:iam::aws:policy/AmazonEC2FullAccess
COMMAND

( # the user's own shell

title 'The user cannot see the instance,'
run <<'COMMAND'
export AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET
aws sts get-caller-identity --query Arn --output text
COMMAND
expect user/assume-role-user "the key is not the user's"
if run <<'COMMAND'
aws ec2 describe-instances
COMMAND
then
  echo 'The demo failed: the user should have been refused.' >&2
  exit 1
fi
expect UnauthorizedOperation "this is not the refusal that was expected"

title 'asks credvend for the role,'
run <<'COMMAND'
credentials=$(curl -sS --fail-with-body --aws-sigv4 "aws:amz:$AWS_REGION:execute-api" \
    --config <(echo "user = $AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY") \
    --json '{"role": "assume-role-role", "reason": "count the instances"}' \
    "$CREDVEND_URL/v1/iam/credentials?format=env")
echo "$credentials"
COMMAND
expect ASIA "no credentials; do roles.yaml and policies/ still let assume-role-user have assume-role-role?"

title 'runs the script that came back, and sees it.'
run <<'COMMAND'
eval "$credentials"
aws sts get-caller-identity --query Arn --output text
COMMAND
expect assumed-role/assume-role-role "the credentials are not the role's"
run <<'COMMAND'
aws ec2 describe-instances --output table \
    --query 'Reservations[].Instances[].{Instance: InstanceId, Type: InstanceType, State: State.Name}'
COMMAND
expect "$instance" "the instance is not in the list"

)

( # the user's own shell again

title 'With the client, which signs and caches, the same is one short command.'
export AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET
run <<'COMMAND'
credvend roles
COMMAND
expect assume-role-role "the client lists no role"
run <<'COMMAND'
credvend exec assume-role-role --reason "count the instances" -- \
    "$AWS_CLI_PYTHON" -m awscli ec2 describe-instances --query 'Reservations[].Instances[].InstanceId' --output text
COMMAND
expect "$instance" "the client's command does not see the instance"

)

title "The administrator finds it all in the function's log group."
# A log takes its time to arrive, on AWS some seconds.
for _ in {1..60}; do
  recorded=$(aws logs filter-log-events --log-group-name "$CREDVEND_LOG_GROUP" --query 'length(events)' \
      --filter-pattern '"credentials.vended"' --output text)
  if [ "$recorded" != 0 ]; then break; fi
  sleep 0.5
done
run <<'COMMAND'
aws logs filter-log-events --log-group-name "$CREDVEND_LOG_GROUP" --query 'events[-1].message' \
    --filter-pattern '"credentials.vended"' --output text | python3 -m json.tool
COMMAND
expect '"caller": "arn:aws:iam::[0-9]*:user/assume-role-user"' "the record does not name the caller"

(
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN

title 'A CI job has no AWS key at all. It gets a token from its OpenID provider,'
run <<'COMMAND'
TOKEN=$(curl -sS "$OIDC_ISSUER/token" --config <(echo "user = $OIDC_CLIENT_ID:$OIDC_CLIENT_SECRET") \
    -d grant_type=client_credentials -d "resource=$OIDC_AUDIENCE" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
COMMAND

title 'and that is all that credvend wants of it.'
run <<'COMMAND'
curl -sS --header @<(echo "Authorization: Bearer $TOKEN") \
    --json '{"role": "assume-role-role", "reason": "deploy"}' \
    "$CREDVEND_URL/v1/credentials" | python3 -m json.tool
COMMAND
expect 'assumed-role/assume-role-role/oidc-' 'no credentials for the token'
run <<'COMMAND'
CREDVEND_TOKEN=$TOKEN credvend get assume-role-role --reason deploy
COMMAND
expect 'assumed-role/assume-role-role/oidc-' 'no credentials for the token with the client'
)

# For whoever goes on from here.
printf 'export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n' "$KEY" "$SECRET" > user.sh
