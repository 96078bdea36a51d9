"""The work of the DAGs: gather, plan, act, record. Plain Python that knows no Airflow."""
