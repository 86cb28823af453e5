{{/* The head of a component's policy: (dict "root" $ "app" "backend"). */}}
{{- define "understudy.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .app }}
  labels:
    {{- include "understudy.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "understudy.selectorLabels" . | nindent 6 }}
{{- end }}

{{/* Pods of a component of this release. */}}
{{- define "understudy.peer" -}}
- podSelector:
    matchLabels:
      {{- include "understudy.selectorLabels" . | nindent 6 }}
{{- end }}

{{/* Models' pods, which are other releases'. */}}
{{- define "understudy.slmPeer" -}}
- podSelector:
    matchLabels:
      app: slm-inference
{{- end }}

{{/* Who may call the platform from outside it; nothing where nobody may. */}}
{{- define "understudy.clientPeers" -}}
{{- if .Values.networkPolicy.otherNamespaces }}
- namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: NotIn
        values: [{{ .Release.Namespace }}]
{{- end }}
{{- with .Values.networkPolicy.clients }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Egress: names are resolved, wherever the cluster does so. */}}
{{- define "understudy.dnsEgress" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end }}

{{/* Egress to ports anywhere: a list of numbers. */}}
{{- define "understudy.anywhereEgress" -}}
- ports:
    {{- range . }}
    - port: {{ int . }}
      protocol: TCP
    {{- end }}
{{- end }}

{{/* Egress to a component: (dict "root" $ "app" "redis" "port" 6379). */}}
{{- define "understudy.egressTo" -}}
- to:
    {{- include "understudy.peer" . | nindent 4 }}
  ports:
    - port: {{ .port }}
      protocol: TCP
{{- end }}

{{/* Egress to the database, here or elsewhere. */}}
{{- define "understudy.postgresEgress" -}}
{{- if .Values.postgres.enabled -}}
{{ include "understudy.egressTo" (dict "root" . "app" "postgres" "port" 5432) }}
{{- else -}}
{{ include "understudy.anywhereEgress" (list .Values.postgres.external.port) }}
{{- end }}
{{- end }}

{{/* Egress to Redis, here or elsewhere. */}}
{{- define "understudy.redisEgress" -}}
{{- if .Values.redis.enabled -}}
{{ include "understudy.egressTo" (dict "root" . "app" "redis" "port" 6379) }}
{{- else if .Values.redis.external.url -}}
{{ include "understudy.anywhereEgress" (list (include "understudy.port" .Values.redis.external.url)) }}
{{- else -}}
{{ include "understudy.anywhereEgress" (list .Values.redis.external.port) }}
{{- end }}
{{- end }}
