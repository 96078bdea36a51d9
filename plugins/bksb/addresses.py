"""The addresses of bksb's API, and where its keys are made. Imports nothing: every Airflow process reads it."""

API_ROOTS = {"UK": "https://live2api.bksblive2.co.uk", "Australia": "https://live2api.bksblive2.com.au"}
"""The root of the API for each of bksb's two services."""

EITHER_ROOT = " or ".join(f"{root} ({region})" for region, root in API_ROOTS.items())

KEYS_PAGE = "Admin Options > API Access Keys > Configure Access Key"
"""The page in bksb where a customer creates and sees the keys."""
