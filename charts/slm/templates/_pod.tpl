{{/* What a Deployment's and a Job's pod have in common. */}}
{{- define "slm.pod.metadata" -}}
labels:
  {{- include "slm.podLabels" . | nindent 2 }}
annotations:
  understudy.dev/token-sha256: {{ .Values.token.sha256 | quote }}
{{- end }}

{{- define "slm.pod.spec" -}}
serviceAccountName: {{ .Release.Name }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .Values.runAsUser }}
  runAsGroup: {{ .Values.runAsUser }}
  fsGroup: {{ .Values.runAsUser }}
  seccompProfile:
    type: RuntimeDefault
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: model
    emptyDir:
      sizeLimit: {{ .Values.modelDirSize }}
  - name: tmp
    emptyDir: {}
  - name: token
    secret:
      secretName: {{ include "slm.tokenSecret" . }}
      defaultMode: 288 # 0440
      items:
        - key: token
          path: token
  {{- with .Values.base }}
  {{- if eq .source "hostFile" }}
  - name: base
    hostPath:
      path: {{ .hostFile.path }}
      type: File
  {{- else if eq .source "existingClaim" }}
  - name: base
    persistentVolumeClaim:
      claimName: {{ .existingClaim.name }}
      readOnly: true
  {{- else if eq .source "image" }}
  - name: base
    image:
      reference: {{ .image.reference }}
      pullPolicy: {{ .image.pullPolicy }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* The container without probes and lifecycle, which only a server has. */}}
{{- define "slm.container" -}}
name: inference
image: {{ include "slm.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
ports:
  - name: http
    containerPort: 8080
    protocol: TCP
env:
  {{- include "slm.env" . | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: model
    mountPath: /model
  - name: tmp
    mountPath: /tmp
  - name: token
    mountPath: /token
    readOnly: true
  {{- if ne .Values.base.source "pull" }}
  - name: base
    mountPath: {{ if eq .Values.base.source "hostFile" }}{{ include "slm.baseFile" . }}{{ else }}/base{{ end }}
    readOnly: true
  {{- end }}
{{- end }}
