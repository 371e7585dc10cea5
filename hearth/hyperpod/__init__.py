"""What to do about a HyperPod cluster: pure decisions over what SageMaker describes."""
