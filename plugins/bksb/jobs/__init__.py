"""The work of the DAGs: gather, plan, act, record. Nothing here imports Airflow."""
