package cluster

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	understudy "understudy.dev/backend"
)

// deploymentState says how a Deployment does. Its Version is the generation: a
// change of what is wanted, not of what is there.
func deploymentState(d *appsv1.Deployment, pods []*corev1.Pod) understudy.WorkloadState {
	s := understudy.WorkloadState{Exists: true, Replicas: 1, Version: fmt.Sprint(d.Generation)}
	if d.Spec.Replicas != nil {
		s.Replicas = int(*d.Spec.Replicas)
	}
	if d.Status.ObservedGeneration >= d.Generation {
		s.Ready = int(d.Status.ReadyReplicas)
	}
	// While a new template is rolled out the old one's pods are ready.
	rollsOut := int(d.Status.UpdatedReplicas) < s.Replicas || d.Status.UnavailableReplicas > 0
	if s.Replicas == 0 || s.Ready >= s.Replicas && !rollsOut {
		return s
	}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			s.Reason = refusal(c.Message)
			return s
		}
	}
	s.Reason = whyNot(pods)
	return s
}

// jobState says how a Job does.
func jobState(j *batchv1.Job, pods []*corev1.Pod) understudy.WorkloadState {
	s := understudy.WorkloadState{Exists: true, Replicas: 1, Version: fmt.Sprint(j.Generation)}
	if j.Status.Ready != nil {
		s.Ready = int(*j.Status.Ready)
	}
	for _, c := range j.Status.Conditions {
		switch {
		case c.Status != corev1.ConditionTrue:
		case c.Type == batchv1.JobComplete:
			s.Succeeded = true
			return s
		case c.Type == batchv1.JobFailed:
			s.Failed, s.Reason = true, c.Message
		}
	}
	if why := whyNot(pods); why != "" {
		s.Reason = why
	}
	return s
}

// refusal turns the server's no to a pod into a sentence.
func refusal(message string) string {
	switch {
	case strings.Contains(message, "exceeded quota"):
		return "The namespace's quota has no room for its pod: raise the quota, or lower slm.values.resources. " + message
	case strings.Contains(message, "violates PodSecurity"):
		return "Pod Security refuses its pod: " + message
	}
	return "Its pod is refused: " + message
}

// whyNot is what keeps the pods from being ready: of the youngest pod that
// says something.
func whyNot(pods []*corev1.Pod) (why string) {
	var youngest *corev1.Pod
	for _, p := range pods {
		if p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodSucceeded {
			continue
		}
		if reason := podReason(p); reason != "" && (youngest == nil || youngest.CreationTimestamp.Before(&p.CreationTimestamp)) {
			why, youngest = reason, p
		}
	}
	return why
}

func podReason(p *corev1.Pod) string {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			if strings.Contains(c.Message, "persistentvolumeclaim") {
				return "The volume of its pod is not there: " + c.Message
			}
			return "No node has room for its pod: " + c.Message
		}
	}
	if p.Status.Reason == "Evicted" {
		return "Its pod was evicted: " + p.Status.Message
	}
	for _, c := range p.Status.ContainerStatuses {
		if reason := containerReason(c); reason != "" {
			return reason
		}
	}
	return ""
}

func containerReason(c corev1.ContainerStatus) string {
	ended := c.LastTerminationState.Terminated
	if t := c.State.Terminated; t != nil {
		ended = t
	}
	if w := c.State.Waiting; w != nil {
		switch w.Reason {
		case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull":
			return fmt.Sprintf("The image %s cannot be pulled (%s): %s", c.Image, w.Reason, w.Message)
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			return fmt.Sprintf("Its container cannot be started (%s): %s", w.Reason, w.Message)
		case "CrashLoopBackOff":
			return "CrashLoopBackOff: " + endOf(ended)
		}
	}
	if ended != nil && (c.State.Terminated != nil || !c.Ready) && (ended.ExitCode != 0 || ended.Reason == "OOMKilled") {
		return "It ended and is started again: " + endOf(ended)
	}
	return ""
}

func endOf(t *corev1.ContainerStateTerminated) string {
	switch {
	case t == nil:
		return "it ends again and again"
	case t.Reason == "OOMKilled":
		return "it ran out of memory (OOMKilled): raise slm.values.resources.limits.memory"
	case t.Message != "":
		return fmt.Sprintf("it ended with code %d: %s", t.ExitCode, strings.TrimSpace(t.Message))
	}
	return fmt.Sprintf("it ended with code %d (%s); see kubectl logs", t.ExitCode, t.Reason)
}
