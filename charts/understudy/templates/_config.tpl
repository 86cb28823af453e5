{{/* The data of ConfigMap understudy-config: the backend's environment. UNDERSTUDY_URL is for the command line in a
backend's pod, which asks that pod: no policy lets one backend reach another. */}}
{{- define "understudy.config" -}}
{{- $c := .Values.config -}}
{{- $data := dict
  "UNDERSTUDY_RUNTIME" "kubernetes"
  "UNDERSTUDY_OVERLAY" $c.overlay
  "UNDERSTUDY_DATA_DIR" "/data"
  "UNDERSTUDY_UPSTREAMS_FILE" "/etc/understudy/upstreams/upstreams.json"
  "UNDERSTUDY_BYPASS" (ternary "on" "off" $c.bypass)
  "UNDERSTUDY_CPU_USD_PER_HOUR" (.Values.savings.cpuUSDPerHour | toString)
  "UNDERSTUDY_POD_USD_PER_HOUR" (.Values.savings.podUSDPerHour | toString)
  "UNDERSTUDY_URL" "http://127.0.0.1:8000"
  "BACKEND_URL" "http://backend-service:8000"
  "TRAINER_URL" "http://training-service:8002"
  "EVALUATOR_URL" "http://evaluation-service:8001"
  "FRONTEND_URL" "http://frontend-service:3000"
  "SLM_IMAGE" (include "understudy.image" (dict "root" . "image" .Values.slm.image))
  "SLM_VALUES_FILE" "/etc/understudy/slm/values.yaml"
  "SLM_PATCHES_DIR" "/etc/understudy/patches"
  "TRAINING_PROVIDER" $c.trainingProvider
  "DEFAULT_SIMILARITY_THRESHOLD" (toString $c.similarityThreshold)
  "MAX_DEPLOYMENTS" ($c.maxDeployments | int64 | toString)
  "DEPLOY_DEADLINE" (printf "%dm" ($c.deployDeadlineMinutes | int64))
  "EVALUATION_BATCH_SIZE" ($c.evaluationBatchSize | int64 | toString)
  "LOG_LEVEL" $c.logLevel
-}}
{{- with $c.agentURL }}{{ $_ := set $data "AGENT_URL" . }}{{ end -}}
{{- with .Values.savings.prices }}{{ $_ := set $data "UNDERSTUDY_PRICES_FILE" "/etc/understudy/upstreams/prices.json" }}{{ end -}}
{{- with .Values.slm.baseURL }}{{ $_ := set $data "MODELS_URL" (trimSuffix "/" .) }}{{ end -}}
{{- if .Values.redis.enabled }}{{ $_ := set $data "REDIS_URL" "redis://redis:6379/0" }}{{ else }}
{{- with .Values.redis.external.url }}{{ $_ := set $data "REDIS_URL" . }}{{ end }}{{ end -}}
{{- range $name, $value := $c.extra }}{{ $_ := set $data $name (toString $value) }}{{ end -}}
{{ toYaml $data }}
{{- end }}

{{- define "understudy.upstreams" -}}
{{ dict "upstreams" .Values.upstreams | toPrettyJson }}
{{- end }}

{{/* The operator's price list, laid over the backend's own; nothing where there is none. */}}
{{- define "understudy.prices" -}}
{{- with .Values.savings.prices }}
{{- dict "source" .source "date" .date "unit" "US dollars per million tokens" "prices" .models | toPrettyJson }}
{{- end }}
{{- end }}

{{/* Values of every model's release: what follows from the platform's, the operator's over it. */}}
{{- define "understudy.slmValues" -}}
{{- $values := dict "image" (dict "pullPolicy" .Values.image.pullPolicy) -}}
{{- with .Values.image.pullSecrets }}{{ $_ := set $values "imagePullSecrets" . }}{{ end -}}
{{- with .Values.slm.baseURL }}
{{- $_ := set $values "networkPolicy" (dict "pullPorts" (list (include "understudy.port" . | int))) }}
{{- end -}}
{{- if not .Values.networkPolicy.enabled }}{{ $_ := set $values "networkPolicy" (dict "enabled" false) }}{{ end -}}
{{ toYaml (mustMergeOverwrite $values (deepCopy .Values.slm.values)) }}
{{- end }}

{{/* What a pod was started with: a change of it starts pods anew. No Secret's value is in it. */}}
{{- define "understudy.checksum" -}}
checksum/config: {{ list (include "understudy.config" .) (include "understudy.upstreams" .) (include "understudy.prices" .) (include "understudy.slmValues" .) .Values.slm.patches | toJson | sha256sum }}
{{- end }}

{{/* The same for a component that reads some variables: (dict "root" $ "names" (list "LOG_LEVEL")). */}}
{{- define "understudy.checksumOf" -}}
{{- $data := include "understudy.config" .root | fromYaml -}}
{{- $read := dict -}}
{{- range .names }}{{ if hasKey $data . }}{{ $_ := set $read . (get $data .) }}{{ end }}{{ end -}}
checksum/config: {{ toJson $read | sha256sum }}
{{- end }}
