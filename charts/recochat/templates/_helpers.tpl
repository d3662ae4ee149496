{{- define "recochat.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 55 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's name if it says recochat already. 55 characters, for NAME-canary to fit in 63. */}}
{{- define "recochat.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "recochat.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 55 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 55 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "recochat.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "recochat.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "recochat.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag | toString) -}}
{{- end -}}

{{- define "recochat.version" -}}
{{- default .Chart.AppVersion (default .Values.image.tag .Values.version) | toString -}}
{{- end -}}

{{- define "recochat.selectorLabels" -}}
app.kubernetes.io/name: {{ include "recochat.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Stable's pods and the canary's: Linnet gives the labels that stable is selected by another value. */}}
{{- define "recochat.bothTracks" -}}
matchExpressions:
  - key: app.kubernetes.io/name
    operator: In
    values: [{{ include "recochat.name" . }}, {{ include "recochat.name" . }}-canary]
  - key: app.kubernetes.io/instance
    operator: In
    values: [{{ .Release.Name }}, {{ .Release.Name }}-canary]
{{- end -}}

{{/* The version isn't among them: labels of the Deployment change with a release of the chart only. */}}
{{- define "recochat.labels" -}}
{{ include "recochat.selectorLabels" . }}
app.kubernetes.io/part-of: recochat
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "recochat.redisLabels" -}}
app.kubernetes.io/name: {{ include "recochat.name" . }}-redis
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "recochat.settings" -}}
{{- include "recochat.fullname" . }}-settings
{{- end -}}

{{/* The ConfigMap that the pods read: tracked by Linnet, it is one that Linnet alone writes. */}}
{{- define "recochat.settingsRead" -}}
{{- include "recochat.settings" . }}{{ if .Values.settings.tracked }}-live{{ end }}
{{- end -}}

{{- define "recochat.podAnnotations" -}}
{{- with .Values.podAnnotations }}
{{- toYaml . }}
{{- end }}
{{- if and .Values.settings.data (not .Values.settings.tracked) }}
checksum/settings: {{ toJson .Values.settings.data | sha256sum }}
{{- end }}
{{- end -}}

{{- define "recochat.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "recochat.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Environment that switches faults on; empty without any. Zero switches off, but a crash: there it means "at once". */}}
{{- define "recochat.faults" -}}
{{- $faults := .Values.demo.faults -}}
{{- $names := dict "errorShare" "ERROR_SHARE" "latencyMs" "LATENCY_MS" "leakMbPerS" "LEAK_MB_PER_S" -}}
{{- range $key := list "errorShare" "latencyMs" "leakMbPerS" }}
{{- $value := get $faults $key | default 0 | toString }}
{{- if gt (float64 $value) 0.0 }}
- name: RECOCHAT_FAULT_{{ get $names $key }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- $crash := get $faults "crashAfterS" }}
{{- if not (or (kindIs "invalid" $crash) (eq (toString $crash) "")) }}
- name: RECOCHAT_FAULT_CRASH_AFTER_S
  value: {{ toString $crash | quote }}
{{- end }}
{{- end -}}

{{/* What can't work together is refused here, with the remedy, before anything is sent. */}}
{{- define "recochat.validate" -}}
{{- if and (include "recochat.faults" . | trim) (not .Values.demo.enabled) -}}
{{- fail "demo.faults are set, but demo.enabled is false: faults are for demonstrations only. Set demo.enabled=true to allow them, or remove demo.faults." -}}
{{- end -}}
{{- range $name, $_ := .Values.settings.data -}}
{{- if and (hasPrefix "RECOCHAT_FAULT_" $name) (not $.Values.demo.enabled) -}}
{{- fail (printf "settings.data has %s, but demo.enabled is false: faults are for demonstrations only. Set demo.enabled=true to allow them, or remove it." $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.settings.tracked (or (not .Values.canaryRelease.enabled) (not .Values.settings.data)) -}}
{{- fail "settings.tracked needs canaryRelease.enabled=true and settings.data: Linnet writes what the pods read, and they would wait for it." -}}
{{- end -}}
{{- if and .Values.gateway.enabled (not .Values.gateway.parentRef.name) -}}
{{- fail "gateway.enabled needs gateway.parentRef.name: the Gateway that the HTTPRoute attaches to." -}}
{{- end -}}
{{- if and .Values.canaryRelease.enabled (not .Values.gateway.enabled) (not .Values.canaryRelease.spec.traffic) -}}
{{- fail "canaryRelease.enabled needs a route to move traffic on: set gateway.enabled=true, or canaryRelease.spec.traffic." -}}
{{- end -}}
{{- if and .Values.redis.enabled (or .Values.redis.url .Values.redis.existingSecret.name) -}}
{{- fail "redis.enabled makes a Redis of the chart's own: remove redis.url and redis.existingSecret.name, or redis.enabled." -}}
{{- end -}}
{{- if and .Values.redis.url .Values.redis.existingSecret.name -}}
{{- fail "redis.url and redis.existingSecret.name are both set: remove one." -}}
{{- end -}}
{{- end -}}
