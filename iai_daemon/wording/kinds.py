"""Which names are of one kind, so that one can take another's place: two queues, two languages, two weekdays. And which words
keep facts apart: staging and production, iOS and Android. What is not listed is judged by its form alone."""

from __future__ import annotations

from iai_daemon.wording.lexicon import words
from iai_daemon.wording.tokens import stem

# One line, one kind. A name may be of several. Names of two words are known by their first or their telling one.
_KINDS = """
language-of-people: english german french spanish italian portuguese dutch polish russian japanese chinese korean turkish deutsch englisch französisch swedish danish czech hindi arabic
weekday: monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag
colour: red green blue black white yellow orange purple grey gray pink teal
database: postgres mysql mariadb sqlite mongodb mongo oracle mssql cockroachdb cassandra dynamodb scylladb duckdb couchdb firestore couchbase clickhouse redshift snowflake bigquery planetscale supabase neon tidb timescaledb influxdb neo4j
object-store: s3 gcs minio r2 cloudflare cloudinary nas nfs ftp sftp
cache: redis memcached valkey dragonfly keydb hazelcast varnish
queue: rabbitmq kafka sqs nats redis pubsub activemq zeromq kinesis pulsar redpanda elasticmq beanstalkd nsq eventbridge servicebus mqtt
jobs: celery dramatiq sidekiq rq huey resque bullmq airflow dagster prefect luigi temporal camunda argo cron crontab quartz hangfire oban goodjob arq systemd cronjob
search: elasticsearch opensearch solr typesense meilisearch algolia lucene sphinx vespa zinc
vectors: pinecone pgvector weaviate qdrant milvus chroma faiss usearch lancedb
ci: travis circleci jenkins github gitlab buildkite teamcity bamboo drone forgejo azure bitbucket woodpecker tekton concourse semaphore actions appveyor
host-of-code: github gitlab bitbucket gitea forgejo codeberg gerrit sourcehut azure
linter: flake8 pylint ruff eslint biome tslint jshint pycodestyle oxlint rubocop golangci-lint staticcheck checkstyle ktlint detekt swiftlint clippy stylelint pyflakes prospector
formatter: black yapf autopep8 ruff prettier biome gofmt gofumpt goimports rustfmt dprint clang-format google-java-format spotless swift-format ktfmt standard airbnb blue
types: mypy pyright pyre pytype flow basedpyright
test-runner: jest vitest mocha jasmine pytest unittest nose nose2 karma ava junit testng rspec minitest tap
browser-tests: cypress playwright selenium puppeteer testcafe webdriverio detox appium maestro nightwatch
package-manager: npm yarn pnpm bun pip poetry pipenv uv conda pdm hatch pip-tools cargo composer bundler rye mamba pipx
bundler: webpack vite rollup parcel esbuild rspack turbopack snowpack swc browserify
build-tool: maven gradle bazel sbt ant make cmake meson ninja just buck pants scons tup lerna nx turborepo rush moon earthly task
ui: react vue angular svelte solid preact ember lit qwik htmx alpine jquery backbone
ui-framework: next nextjs next.js nuxt remix gatsby astro sveltekit rails django laravel
state: redux zustand mobx recoil jotai xstate pinia vuex valtio
css: tailwind bootstrap bulma sass less styled-components emotion css-modules bem vanilla-extract stitches
app-server: puma unicorn gunicorn uvicorn uwsgi hypercorn waitress passenger tomcat jetty daphne
containers: docker podman containerd buildah kaniko
compute: ec2 fargate lambda eks ecs gke cloudrun
graphics-tool: imagemagick libvips sharp pillow ffmpeg
desktop: electron tauri
web-server: nginx apache caddy traefik haproxy envoy istio lighttpd kong linkerd
backend-framework: django flask fastapi express fastify koa hapi nestjs spring rails sinatra laravel gin echo fiber actix axum starlette litestar tornado aiohttp quarkus micronaut ktor phoenix
orm: sequelize prisma typeorm drizzle knex mikroorm sqlalchemy peewee hibernate jooq activerecord ecto gorm sqlc tortoise kysely
migrations: alembic flyway liquibase atlas goose dbmate sqitch
programming-language: python java kotlin go golang rust ruby php scala swift typescript javascript elixir erlang haskell clojure perl c++ c# cpp dart lua zig julia ocaml
editor: vim neovim emacs vscode code zed sublime helix intellij pycharm webstorm cursor nano atom webstorm kakoune
shell: bash zsh fish nushell powershell sh
cloud: aws gcp azure hetzner digitalocean heroku fly fly.io vercel netlify render railway cloudflare linode ovh scaleway herokuapp firebase
configuration: consul etcd zookeeper configmap configmaps
secrets: vault ssm 1password bitwarden lastpass sops doppler keepass infisical keyvault
registry: ecr ghcr dockerhub nexus artifactory verdaccio harbor quay gcr acr ghcr.io
errors: sentry rollbar bugsnag glitchtip airbrake raygun honeybadger
monitoring: datadog prometheus grafana newrelic zabbix nagios mimir thanos influx dynatrace cloudwatch victoriametrics honeycomb
logs: graylog loki elk kibana splunk papertrail logstash fluentd fluentbit vector opensearch logtail loggly syslog
tracing: zipkin jaeger opentelemetry tempo otel
tickets: jira linear asana trello redmine youtrack clickup shortcut monday notion bugzilla zendesk
wiki: confluence notion outline mediawiki bookstack
chat: slack mattermost teams discord zulip rocketchat telegram signal irc matrix
mail: sendgrid postmark mailgun ses mailchimp sparkpost resend mandrill mailhog mailpit mailcatcher
sms: twilio messagebird vonage plivo sinch
payments: stripe adyen paypal braintree square klarna mollie paddle checkout.com worldpay
identity: auth0 keycloak okta cognito clerk authelia supertokens entra firebase zitadel
flags: launchdarkly unleash flagsmith growthbook split posthog configcat
analytics: plausible matomo mixpanel amplitude posthog ga segment heap umami fathom
deploy: helm kustomize argocd flux spinnaker ansible capistrano compose tilt skaffold
orchestration: nomad kubernetes k8s compose swarm ecs
infrastructure: terraform pulumi ansible chef puppet saltstack cloudformation opentofu cdk
data-format: json xml yaml toml protobuf avro msgpack csv parquet ini jsonl thrift bson orc
protocol: rest graphql grpc soap http websocket sse mqtt amqp trpc json-rpc http/2 https
validation: joi zod yup ajv pydantic marshmallow cerberus attrs valibot
logger: winston pino bunyan log4j logback structlog loguru slf4j zap logrus zerolog slog
dates: moment date-fns dayjs luxon moment.js
http-client: requests httpx axios fetch aiohttp urllib urllib3 got superagent ky
compression: gzip zstd brotli lz4 bzip2 xz deflate zlib snappy
charts: chart.js echarts d3 plotly matplotlib highcharts recharts seaborn bokeh vega
diagrams: plantuml mermaid graphviz drawio excalidraw d2
markup: markdown restructuredtext rst asciidoc latex html org
docs: sphinx mkdocs docusaurus readthedocs vitepress hugo jekyll gitbook astro
design: figma sketch xd penpot zeplin
vpn: openvpn tailscale wireguard zerotier ipsec twingate
os: ubuntu debian alpine centos fedora arch windows macos linux rhel rocky almalinux amazonlinux nixos
signing: hs256 rs256 es256 eddsa ed25519 hmac
hashing: bcrypt argon2 scrypt pbkdf2 md5 sha1 sha256 argon2id
license: mit apache gpl bsd mpl agpl lgpl isc apache-2.0 bsl
branch: main master develop trunk
casing: camelcase snake_case kebab-case pascalcase camel snake kebab
load-tests: jmeter k6 locust gatling artillery wrk vegeta
experiments: mlflow wandb comet neptune tensorboard clearml
browser: chrome firefox safari edge chromium webkit
versioning: semver calver
vendor-of-models: sonnet opus haiku gpt claude gemini llama mistral openai anthropic ollama qwen deepseek gpt-4 gpt-4o gpt-3.5-turbo
gpu: a100 h100 v100 l4 t4 a10g l40s h200 b200 rtx
currency: usd eur gbp chf jpy euro dollar
daytime: morning evening afternoon noon night midnight
theme: dark light
indentation: tab space tabs spaces
length: long short brief detailed verbose terse concise one-line
size: small large big tiny huge
quotes: single double
merging: squash rebase merge
direction: ascending descending
cadence: hourly daily nightly weekly monthly quarterly yearly biweekly
tone: formal casual
units: metric imperial
unit-of-time: nanosecond microsecond millisecond second minute hour day week month
unit-of-size: byte kilobyte megabyte gigabyte
time-zone: utc gmt cet cest est edt pst pdt ist jst
secret-scan: trufflehog gitleaks detect-secrets ggshield
backup: pg_dump pgbackrest wal-g barman restic borg duplicity velero mysqldump xtrabackup
pdf: wkhtmltopdf weasyprint puppeteer prince gotenberg pdfkit reportlab
translation: crowdin lokalise transifex weblate pontoon
updates-of-dependencies: dependabot renovate snyk
changelog: semantic-release release-please changesets towncrier git-cliff standard-version
coverage: codecov coveralls sonarqube codeclimate
on-call: pagerduty opsgenie victorops splunk-on-call
cdn: cloudfront fastly akamai bunny cloudflare
dns: route53 cloudflare namecheap godaddy
data-loading: airbyte fivetran meltano stitch
dashboards: looker metabase superset tableau powerbi redash grafana
frames: pandas polars dask spark
learning: tensorflow pytorch jax keras
engine: unity unreal godot bevy
terminal: iterm kitty alacritty wezterm ghostty
multiplexer: tmux screen zellij
video-calls: zoom meet teams webex jitsi
sheets: excel sheets airtable
hooks: husky lefthook pre-commit overcommit
workers: celery sidekiq
monorepo: lerna nx turborepo rush moon
"""

# Words that name where a fact holds. Two of one line exclude each other.
_CONTEXTS = """
environment: prod stage dev local ci sandbox preview demo qa uat canary test-environment laptop
platform: ios android web mobile desktop windows macos linux ipad iphone tablet phone browser
country: germany austria switzerland france spain italy poland netherlands belgium uk usa us canada india china japan brazil mexico sweden norway denmark finland ireland portugal austrian swiss american british canadian indian brazilian mexican belgian
continent: eu us europe america asia apac emea
side: frontend backend client server
tense: old new legacy
plan: free pro enterprise trial paid
origin: public internal private external
audience: anonymous admin member subscriber staff employee guest customer partner
who: android-team ios-team
day: weekday weekend
time: day night
architecture: amd64 arm64 x86
"""


# Names that are ordinary words as well: they count where they are written as names.
ORDINARY = words(
    """code flow go make just task actions standard next solid react ember lit spring express gin echo fiber actix rails
    rush moon earthly buck pants split segment heap temporal flux chef puppet helm compose swarm vector opensearch
    shortcut monday outline teams discord signal matrix square screen meet zoom stitch prince bunny spark stripe sentry
    harbor quay conda drone semaphore concourse biome spotless fetch requests got attrs html org base phone"""
)


def _table(lines: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in lines.strip().splitlines():
        kind, _, names = line.partition(": ")
        for name in names.split():
            found.setdefault(name, set()).add(kind)
            found.setdefault(stem(name), set()).add(kind)
    return {name: frozenset(kinds) for name, kinds in found.items()}


# Of these kinds are properties: only the same noun can have changed from one to the other.
PROPERTIES = words(
    """length size quotes tone units direction cadence theme indentation colour weekday daytime casing merging branch
    language-of-people programming-language unit-of-time"""
)
KINDS = _table(_KINDS)
CONTEXTS = _table(_CONTEXTS)
