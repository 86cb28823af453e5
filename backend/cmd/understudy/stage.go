package main

import (
	"log/slog"

	"github.com/google/uuid"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/cluster"
	"understudy.dev/backend/internal/config"
	"understudy.dev/backend/internal/leader"
	"understudy.dev/backend/internal/release"
)

// stage is what differs between a cluster and one machine.
type stage struct {
	understudy.Releases
	understudy.Runtime
	understudy.Observer
	leader  understudy.Leader
	replica string // names this process among its like
	close   func() error
}

func openStage(c config.Config, records release.Records) (*stage, error) {
	patches, err := release.ReadPatches(c.SLMPatchesDir)
	if err != nil {
		return nil, err
	}
	settings := release.Settings{
		Namespace: c.Namespace, Overlay: c.Overlay, Image: c.SLMImage, BackendURL: c.BackendURL, TrainerURL: c.TrainerURL,
		ModelsDir: c.ModelsDir, ModelsURL: c.ModelsURL, BatchSize: c.EvaluationBatchSize, Values: c.SLMValues, Patches: patches, Log: slog.Default(),
	}
	if c.Runtime == "kubernetes" {
		return openCluster(c, settings)
	}
	local, err := release.NewLocal(release.LocalConfig{Socket: c.ControlSocket, Records: records, Settings: settings})
	if err != nil {
		return nil, err
	}
	return &stage{Releases: local, Runtime: local, Observer: local, leader: leader.Alone{}, replica: uuid.NewString(), close: local.Close}, nil
}

func openCluster(c config.Config, settings release.Settings) (*stage, error) {
	access, client, err := cluster.Connect()
	if err != nil {
		return nil, err
	}
	releases, err := release.NewCluster(access, settings)
	if err != nil {
		return nil, err
	}
	runtime, err := cluster.NewRuntime(client, c.Namespace, slog.Default())
	if err != nil {
		return nil, err
	}
	// A pod's container may start again under the pod's name: it is new all the
	// same.
	replica := c.PodName + "-" + uuid.NewString()[:8]
	return &stage{
		Releases: releases, Runtime: runtime, Observer: runtime, replica: replica, close: runtime.Close,
		leader: cluster.Lease{Client: client, Namespace: c.Namespace, Identity: replica, Log: slog.Default()},
	}, nil
}
