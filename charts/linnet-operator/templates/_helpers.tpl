{{- /* Release linnet and release linnet-operator both give linnet-operator. */ -}}
{{- define "linnet-operator.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else if hasPrefix (printf "%s-" .Release.Name) $name -}}
{{- $name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "linnet-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "linnet-operator.commonLabels" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: linnet
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "linnet-operator.labels" -}}
{{ include "linnet-operator.commonLabels" . }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "linnet-operator.image" -}}
{{- $name := .Values.image.repository -}}
{{- with .Values.global.imageRegistry -}}
{{- $name = printf "%s/%s" (trimSuffix "/" .) $name -}}
{{- end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%v" $name (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- /* The container's env is a map by name to the API server: a name twice is refused, or worse. */ -}}
{{- define "linnet-operator.extraEnv" -}}
{{- $own := list "POD_NAME" "LINNET_LEASE_NAMESPACE" "LINNET_LEASE_NAME" "LINNET_PORT"
      "LINNET_LOG_LEVEL" "LINNET_PROMETHEUS_URL" "LINNET_PROMETHEUS_TOKEN_FILE"
      "LINNET_PROMETHEUS_CA_FILE" "LINNET_NAMESPACE" "LINNET_TRACKED_KINDS"
      "LINNET_RECEIVERS" -}}
{{- range .Values.extraEnv -}}
{{- if has .name $own -}}
{{- fail (printf "extraEnv must not have %s: the chart sets it, use its own value" .name) -}}
{{- end -}}
{{- end -}}
{{- with .Values.extraEnv -}}
{{- toYaml . -}}
{{- end -}}
{{- end -}}

{{- define "linnet-operator.trackedKinds" -}}
{{- $kinds := list -}}
{{- if .Values.configTracking.configMaps -}}{{- $kinds = append $kinds "ConfigMap" -}}{{- end -}}
{{- if .Values.configTracking.secrets -}}{{- $kinds = append $kinds "Secret" -}}{{- end -}}
{{- join "," $kinds -}}
{{- end -}}

{{- /* As the operator reads them: files in place of Secrets. */ -}}
{{- define "linnet-operator.receivers" -}}
{{- $receivers := list -}}
{{- range .Values.notifications.receivers -}}
{{- $receiver := omit . "urlSecret" "tokenSecret" -}}
{{- if .urlSecret -}}
{{- $receiver = set $receiver "urlFile" (printf "/etc/linnet/receivers/%s-url/url" .name) -}}
{{- end -}}
{{- if .tokenSecret -}}
{{- $receiver = set $receiver "tokenFile" (printf "/etc/linnet/receivers/%s-token/token" .name) -}}
{{- end -}}
{{- $receivers = append $receivers $receiver -}}
{{- end -}}
{{- toJson $receivers -}}
{{- end -}}

{{- define "linnet-operator.url" -}}
http://{{ include "linnet-operator.fullname" . }}.{{ .Release.Namespace }}:8080
{{- end -}}

{{- /* Both fit the Pod Security Standard "restricted". */ -}}
{{- define "linnet-operator.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "linnet-operator.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
