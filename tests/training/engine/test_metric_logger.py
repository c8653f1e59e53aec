from mmpipeline.training.engine.metric_logger import MetricLogger, NullLogger


def test_the_null_logger_is_a_metric_logger() -> None:
    logger: MetricLogger = NullLogger()
    logger.log_params({"epochs": 3})
    logger.log_metrics({"loss": 0.5}, step=1)
