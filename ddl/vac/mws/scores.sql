-- Fluxes and signal-to-noise of the same spectra.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL,
    targetid bigint NOT NULL,
    integ_coadd_flux_b real NOT NULL,
    median_coadd_flux_b real NOT NULL,
    median_coadd_snr_b real NOT NULL,
    integ_coadd_flux_r real NOT NULL,
    median_coadd_flux_r real NOT NULL,
    median_coadd_snr_r real NOT NULL,
    integ_coadd_flux_z real NOT NULL,
    median_coadd_flux_z real NOT NULL,
    median_coadd_snr_z real NOT NULL,
    tsnr2_gpbdark_b real NOT NULL,
    tsnr2_elg_b real NOT NULL,
    tsnr2_gpbbright_b real NOT NULL,
    tsnr2_lya_b real NOT NULL,
    tsnr2_bgs_b real NOT NULL,
    tsnr2_gpbbackup_b real NOT NULL,
    tsnr2_qso_b real NOT NULL,
    tsnr2_lrg_b real NOT NULL,
    tsnr2_gpbdark_r real NOT NULL,
    tsnr2_elg_r real NOT NULL,
    tsnr2_gpbbright_r real NOT NULL,
    tsnr2_lya_r real NOT NULL,
    tsnr2_bgs_r real NOT NULL,
    tsnr2_gpbbackup_r real NOT NULL,
    tsnr2_qso_r real NOT NULL,
    tsnr2_lrg_r real NOT NULL,
    tsnr2_gpbdark_z real NOT NULL,
    tsnr2_elg_z real NOT NULL,
    tsnr2_gpbbright_z real NOT NULL,
    tsnr2_lya_z real NOT NULL,
    tsnr2_bgs_z real NOT NULL,
    tsnr2_gpbbackup_z real NOT NULL,
    tsnr2_qso_z real NOT NULL,
    tsnr2_lrg_z real NOT NULL,
    tsnr2_gpbdark real NOT NULL,
    tsnr2_elg real NOT NULL,
    tsnr2_gpbbright real NOT NULL,
    tsnr2_lya real NOT NULL,
    tsnr2_bgs real NOT NULL,
    tsnr2_gpbbackup real NOT NULL,
    tsnr2_qso real NOT NULL,
    tsnr2_lrg real NOT NULL
);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid, survey, program);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Milky Way Survey: fluxes and signal-to-noise of the spectra';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey of the spectrum, of HDU RVTAB (UCD meta.id;obs)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'Program of the spectrum, of HDU RVTAB (UCD meta.id;obs)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique DESI target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.integ_coadd_flux_b IS 'Integral of the coadded flux, b arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.median_coadd_flux_b IS 'Median coadded flux, b arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.median_coadd_snr_b IS 'Median signal-to-noise of the coadd, b arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.integ_coadd_flux_r IS 'Integral of the coadded flux, r arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.median_coadd_flux_r IS 'Median coadded flux, r arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.median_coadd_snr_r IS 'Median signal-to-noise of the coadd, r arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.integ_coadd_flux_z IS 'Integral of the coadded flux, z arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.median_coadd_flux_z IS 'Median coadded flux, z arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.median_coadd_snr_z IS 'Median signal-to-noise of the coadd, z arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbdark_b IS 'Template (S/N)^2 for GPBDARK, b arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_elg_b IS 'ELG B template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbbright_b IS 'Template (S/N)^2 for GPBBRIGHT, b arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lya_b IS 'LYA B template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_bgs_b IS 'BGS B template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbbackup_b IS 'Template (S/N)^2 for GPBBACKUP, b arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_qso_b IS 'QSO B template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lrg_b IS 'LRG B template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbdark_r IS 'Template (S/N)^2 for GPBDARK, r arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_elg_r IS 'ELG R template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbbright_r IS 'Template (S/N)^2 for GPBBRIGHT, r arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lya_r IS 'LYA R template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_bgs_r IS 'BGS R template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbbackup_r IS 'Template (S/N)^2 for GPBBACKUP, r arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_qso_r IS 'QSO R template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lrg_r IS 'LRG R template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbdark_z IS 'Template (S/N)^2 for GPBDARK, z arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_elg_z IS 'ELG Z template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbbright_z IS 'Template (S/N)^2 for GPBBRIGHT, z arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lya_z IS 'LYA Z template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_bgs_z IS 'BGS Z template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbbackup_z IS 'Template (S/N)^2 for GPBBACKUP, z arm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_qso_z IS 'QSO Z template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lrg_z IS 'LRG Z template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbdark IS 'Template (S/N)^2 for GPBDARK, all arms';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_elg IS 'ELG template (S/N)^2 summed over B,R,Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbbright IS 'Template (S/N)^2 for GPBBRIGHT, all arms';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lya IS 'LYA template (S/N)^2 summed over B,R,Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_bgs IS 'BGS template (S/N)^2 summed over B,R,Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_gpbbackup IS 'Template (S/N)^2 for GPBBACKUP, all arms';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_qso IS 'QSO template (S/N)^2 summed over B,R,Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lrg IS 'LRG template (S/N)^2 summed over B,R,Z';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
